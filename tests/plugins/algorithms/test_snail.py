"""SNAIL: the blocks against plain causal convolutions and attention, and that nothing looks ahead."""

import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms.snail import SNAIL, CausalAttention, DenseBlock


@pytest.fixture
def states():
    return torch.randn(2, 7, 6, dtype=torch.float64)


@pytest.fixture
def learner(toy):
    return toy.learner(SNAIL, filters=8).double()


def as_sequence(states):
    """All states but the last are the support: the queries' time has one state, as in the paper."""
    return states.shape[1] - 1


def through(learner, sequence, n_support):
    for block in learner.blocks:
        sequence = block(sequence, n_support)
    return sequence


@pytest.mark.parametrize("dilation", [1, 2, 4, 8])
def test_a_dense_block_is_a_gated_causal_convolution(states, dilation):
    block = DenseBlock(6, dilation, 3).double()
    taps = torch.stack([block.before.weight, block.now.weight], dim=2)
    padded = functional.pad(states.mT, (dilation, 0))
    values, gates = functional.conv1d(padded, taps, block.now.bias, dilation=dilation).mT.chunk(2, dim=2)
    expected = torch.cat([states, values.tanh() * gates.sigmoid()], dim=2)

    torch.testing.assert_close(block(states, as_sequence(states)), expected)


def test_an_attention_block_is_causal_attention(states):
    block = CausalAttention(6, 5, 3).double()
    query, key, value = block.to_queries(states), block.to_keys(states), block.to_values(states)
    scores = query @ key.mT / 5**0.5
    ahead = torch.ones(7, 7, dtype=torch.bool).triu(1)
    read = scores.masked_fill(ahead, -torch.inf).softmax(2) @ value
    answer = block(states, as_sequence(states))

    torch.testing.assert_close(answer, torch.cat([states, read], dim=2))
    fused = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(answer[:, :, 6:], fused)


@pytest.mark.parametrize("time", range(6))
def test_a_later_input_cannot_change_an_earlier_output(toy, learner, time):
    width = learner.blocks[0].to_keys.in_features
    sequence = torch.randn(2, 7, width, dtype=torch.float64)
    changed = sequence.clone()
    changed[:, time + 1 :] += 10 * torch.randn_like(changed[:, time + 1 :])
    before, after = (through(learner, one, 6) for one in (sequence, changed))

    assert torch.equal(before[:, : time + 1], after[:, : time + 1])
    assert bool((before[:, time + 1 :] != after[:, time + 1 :]).any())


@pytest.mark.parametrize("time", range(7))
def test_each_earlier_input_reaches_the_last_output(toy, learner, time):
    """Through convolutions alone: attention is cut off."""
    convolutions = [block for block in learner.blocks if isinstance(block, DenseBlock)]
    sequence = torch.randn(
        1, 7, learner.blocks[0].to_keys.in_features, dtype=torch.float64, requires_grad=True
    )
    state = functional.pad(sequence, (0, 32))
    for block in convolutions[:3]:
        state = block(state, 6)
    state[0, -1].sum().backward()

    assert bool((sequence.grad[0, time] != 0).any())


def test_queries_share_the_supports_part_of_their_sequences(toy, learner):
    """The answer to each is that of a plain sequence: labelled support, then the query without a label."""
    episodes = toy.episodes(dtype=torch.float64, n_way=2)
    learner.eval()
    answer = learner.answer(episodes)
    with torch.no_grad():
        for e, q in ((0, 0), (0, 3), (1, 2)):
            support, query = (
                learner.embed(learner.backbone(x)) for x in (episodes.support[e], episodes.query[e, q])
            )
            labels = functional.one_hot(episodes.support_labels[e], 3).double()
            pairs = [torch.cat(pair) for pair in zip(support, labels, strict=True)]
            sequence = torch.stack([*pairs, torch.cat([query, torch.zeros(3)])])[None]
            expected = learner.head(through(learner, sequence, 4))[0, -1, :2]
            torch.testing.assert_close(answer[e, q], expected)


@pytest.mark.parametrize(
    ("n_way", "n_shot", "dilations"),
    [(3, 2, [1, 2, 4]), (5, 1, [1, 2, 4]), (2, 1, [1, 2]), (20, 5, [1, 2, 4, 8, 16, 32, 64])],
)
def test_convolutions_reach_over_the_sequence_of_the_benchmark(toy, n_way, n_shot, dilations):
    learner = toy.learner(SNAIL, n_way=n_way, n_shot=n_shot, filters=1)
    found = [block.dilation for block in learner.blocks if isinstance(block, DenseBlock)]

    assert found == 2 * dilations
    assert sum(dilations) >= n_way * n_shot


def test_blocks_are_those_of_the_paper(toy):
    learner = toy.learner(SNAIL, n_way=5, n_shot=1)
    shapes = [
        (type(block).__name__, block.now.out_features // 2)
        if isinstance(block, DenseBlock)
        else (type(block).__name__, block.to_keys.out_features, block.to_values.out_features)
        for block in learner.blocks
    ]

    dense = [("DenseBlock", 128)] * 3
    assert shapes == [
        ("CausalAttention", 64, 32),
        *dense,
        ("CausalAttention", 256, 128),
        *dense,
        ("CausalAttention", 512, 256),
    ]
    assert learner.head.in_features == 64 + 5 + 32 + 3 * 128 + 128 + 3 * 128 + 256


def test_attention_starts_with_comparing():
    """A state's product with another is that of their projections by the same weights."""
    block = CausalAttention(6, 5, 3)

    assert torch.equal(block.to_keys.weight, block.to_queries.weight)
    assert torch.equal(block.to_keys.bias, block.to_queries.bias)
    assert block.to_keys.weight is not block.to_queries.weight
