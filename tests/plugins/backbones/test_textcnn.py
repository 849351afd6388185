"""TextCNN: products of windows and filters, by hand."""

import torch

from metabench.api.session import as_inputs
from metabench_plugins.backbones.textcnn import TextCNN


def features_by_hand(backbone, text):
    """Of each filter the greatest product with a window, at least 0; a window is centred at each token."""
    vectors = backbone.embedding.weight[text]
    features = []
    for convolution in backbone.convolutions:
        span = convolution.kernel_size[0]
        before, behind = (torch.zeros(count, vectors.shape[1]) for count in ((span - 1) // 2, span // 2))
        places = torch.cat([before, vectors, behind])
        windows = [places[begin : begin + span] for begin in range(len(text))]
        for weight, bias in zip(convolution.weight, convolution.bias, strict=True):
            features.append(max((window.T * weight).sum() + bias for window in windows).clamp_min(0))
    return torch.stack(features)


def test_features_are_those_of_windows_and_filters(make):
    backbone = make(TextCNN, (7,), n_tokens=9, width=3, channels=4)
    texts = [[4, 8, 4], [1, 2, 3, 5, 7, 6, 2], [6]]
    ids = torch.tensor([text + [0] * (7 - len(text)) for text in texts])

    expected = torch.stack([features_by_hand(backbone, text) for text in texts])
    torch.testing.assert_close(backbone(as_inputs(ids, torch.device("cpu"))), expected)
    assert bool((expected > 0).any())
