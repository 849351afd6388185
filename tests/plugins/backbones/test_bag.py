"""Bag: the mean over tokens, by hand."""

import torch

from metabench.api.session import as_inputs
from metabench_plugins.backbones.bag import Bag


def test_features_are_the_mean_of_the_embeddings_of_the_tokens(make):
    backbone = make(Bag, (5,), n_tokens=9, width=3)
    texts = [[4, 8, 4], [1, 2, 3, 5, 7], [6]]
    ids = torch.tensor([text + [0] * (5 - len(text)) for text in texts])

    vectors = backbone.embedding.weight
    expected = [sum(vectors[token] for token in text) / len(text) for text in texts]
    torch.testing.assert_close(backbone(as_inputs(ids, torch.device("cpu"))), torch.stack(expected))
