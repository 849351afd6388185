"""Transformer: its layers against `scaled_dot_product_attention`, text by text without padding."""

import pytest
import torch
from torch.nn import functional

from metabench.api.session import as_inputs
from metabench_plugins.backbones.transformer import Transformer


def layer_by_hand(block, states, heads):
    """Attention and a small network, each of normalised states and added to what came in."""
    length, width = states.shape
    parts = block.attended(functional.layer_norm(states, (width,))).view(length, 3, heads, width // heads)
    query, key, value = parts.permute(1, 2, 0, 3)
    read = functional.scaled_dot_product_attention(query, key, value)
    states = states + block.joined(read.transpose(0, 1).reshape(length, width))
    first, _, second = block.layer
    return states + second(functional.gelu(first(functional.layer_norm(states, (width,)))))


def test_features_are_the_mean_of_the_states_of_the_tokens(make):
    backbone = make(Transformer, (6,), n_tokens=9, width=8, heads=2, layers=2).double()
    texts = [[4, 8, 4], [1, 2, 3, 5, 7, 6], [6]]
    ids = torch.tensor([text + [0] * (6 - len(text)) for text in texts])

    found = backbone(as_inputs(ids, torch.device("cpu")))
    for text, features in zip(texts, found, strict=True):
        states = backbone.embedding.weight[text] + backbone.places[: len(text)]
        for block in backbone.blocks:
            states = layer_by_hand(block, states, heads=2)
        torch.testing.assert_close(features, functional.layer_norm(states, (8,)).mean(0))


def test_a_width_that_its_heads_cannot_share_is_refused(make):
    with pytest.raises(ValueError, match=r"^width of transformer is 10; expected a multiple of heads \(4\)"):
        make(Transformer, (6,), n_tokens=9, width=10)
