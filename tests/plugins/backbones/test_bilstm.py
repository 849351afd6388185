"""BiLSTM: its states token by token, by hand."""

import numpy as np
import torch

from metabench.api.session import as_inputs
from metabench_plugins.backbones.bilstm import BiLSTM


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def states_by_hand(weights, vectors, ending):
    """Hidden states after each vector; gates in torch's order: input, forget, cell, output."""
    hidden = cell = np.zeros(weights[f"weight_hh_l0{ending}"].shape[1])
    states = []
    for vector in vectors:
        gates = weights[f"weight_ih_l0{ending}"] @ vector + weights[f"bias_ih_l0{ending}"]
        gates += weights[f"weight_hh_l0{ending}"] @ hidden + weights[f"bias_hh_l0{ending}"]
        given, kept, new, shown = np.split(gates, 4)
        cell = sigmoid(kept) * cell + sigmoid(given) * np.tanh(new)
        hidden = sigmoid(shown) * np.tanh(cell)
        states.append(hidden)
    return np.array(states)


def test_features_are_the_greatest_states_of_both_directions(make):
    backbone = make(BiLSTM, (6,), n_tokens=9, width=3, states=4).double()
    weights = {name: weight.detach().numpy() for name, weight in backbone.lstm.named_parameters()}
    texts = [[4, 8, 4], [1, 2, 3, 5, 7, 6], [6]]
    ids = torch.tensor([text + [0] * (6 - len(text)) for text in texts])

    found = backbone(as_inputs(ids, torch.device("cpu"))).detach().numpy()
    for text, features in zip(texts, found, strict=True):
        vectors = backbone.embedding.weight[text].detach().numpy()
        forwards = states_by_hand(weights, vectors, "").max(0)
        backwards = states_by_hand(weights, vectors[::-1], "_reverse").max(0)
        np.testing.assert_allclose(features, np.concatenate([forwards, backwards]), rtol=1e-9)


def test_it_never_runs_on_cudnn_whose_lstm_cannot_be_differentiated_in_an_episode(make, monkeypatch):
    backbone, seen = make(BiLSTM, (6,), n_tokens=9, width=3, states=4), []
    backbone.lstm.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.enabled))
    monkeypatch.setattr(torch.backends.cudnn, "enabled", True)
    backbone(as_inputs(torch.ones(2, 6, dtype=torch.int64), torch.device("cpu")))

    assert seen == [False]
    assert torch.backends.cudnn.enabled
