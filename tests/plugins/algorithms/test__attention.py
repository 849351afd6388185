"""Layers of attention: against the formulas, with weights of their own."""

import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms._attention import attention_layers


@pytest.mark.parametrize("training", [True, False])
def test_a_layer_is_attention_and_a_small_network_each_added_to_what_came_in(training):
    torch.manual_seed(0)
    layer = attention_layers(6, 2, 1)[0].double().train(training)
    states = torch.randn(2, 5, 6, dtype=torch.float64)
    hidden = torch.rand(5, 5) > 0.6
    hidden.fill_diagonal_(False)
    with torch.no_grad():
        answer = layer(states, src_mask=hidden)
        normed = layer.norm1(states)
        parts = functional.linear(normed, layer.self_attn.in_proj_weight, layer.self_attn.in_proj_bias)
        query, key, value = parts.view(2, 5, 3, 2, 3).permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(query, key, value, attn_mask=~hidden)
        expected = states + layer.self_attn.out_proj(read.transpose(1, 2).flatten(2))
        units = functional.gelu(layer.linear1(layer.norm2(expected)))
        expected = expected + layer.linear2(units)

    torch.testing.assert_close(answer, expected)


def test_layers_have_first_weights_of_their_own():
    first, second = attention_layers(8, 2, 2)

    assert not torch.equal(first.linear1.weight, second.linear1.weight)
    assert not torch.equal(first.self_attn.in_proj_weight, second.self_attn.in_proj_weight)


def test_heads_that_do_not_divide_the_width_are_refused():
    with pytest.raises(
        ValueError, match=r"^states of 6 numbers for 4 heads; expected a multiple\. Set another"
    ):
        attention_layers(6, 4, 1)
