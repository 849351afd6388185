"""Support-and-query transformer: relations by plain attention, and that it begins as ProtoNet."""

import pytest
import torch
from torch import nn

from metabench_plugins.algorithms import support_query_transformer as module
from metabench_plugins.algorithms.protonet import ProtoNet
from metabench_plugins.algorithms.support_query_transformer import SupportQueryTransformer


@pytest.fixture
def learner(toy):
    """One whose layers do something, as after training."""
    learner = toy.learner(SupportQueryTransformer, heads=2).double()
    for weight in learner.relate.parameters():
        nn.init.normal_(weight, std=0.5)
    return learner


def test_support_and_one_query_are_related_then_compared(toy, learner):
    episodes = toy.episodes(dtype=torch.float64)
    answer = learner.answer(episodes)
    with torch.no_grad():
        for e, q in ((0, 0), (1, 5)):
            states = learner.backbone(torch.cat([episodes.support[e], episodes.query[e, q : q + 1]]))[None]
            for layer in learner.relate:
                states = layer(states)
            support, query = states[0, :-1], states[0, -1]
            means = [support[episodes.support_labels[e] == way].mean(0) for way in range(3)]
            expected = torch.stack([-(query - mean).square().sum() for mean in means])
            torch.testing.assert_close(answer[e, q], expected)


def test_the_support_is_seen_in_the_light_of_the_query(toy, learner):
    """What becomes of the support depends on the query that it is related with."""
    seen = learner.seen(toy.episodes(dtype=torch.float64, n=1))
    first, second = (
        learner.relate[0](torch.cat([seen.support, seen.query[:, q : q + 1]], dim=1))[:, :-1] for q in (0, 1)
    )

    assert not torch.allclose(first, second, rtol=1e-3)


def test_before_training_it_is_protonet(toy):
    transformer, protonet = toy.learner(SupportQueryTransformer), toy.learner(ProtoNet)
    protonet.backbone.load_state_dict(transformer.backbone.state_dict())
    episodes = toy.episodes()

    torch.testing.assert_close(transformer.answer(episodes), protonet.answer(episodes))


@pytest.mark.parametrize("at_once", [1, 30, 10_000])
def test_large_episodes_are_answered_part_by_part(toy, learner, monkeypatch, at_once):
    episodes = toy.episodes(dtype=torch.float64)
    expected = learner.answer(episodes)
    monkeypatch.setattr(module, "_STATES_AT_ONCE", at_once)

    torch.testing.assert_close(learner.answer(episodes), expected)
