"""FEAT: the set-to-set function and the contrastive objective, by hand."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from metabench_plugins.algorithms.feat import FEAT
from metabench_plugins.algorithms.protonet import ProtoNet


@pytest.fixture
def learner(toy):
    """One whose values are not 0, as after training."""
    learner = toy.learner(FEAT).double()
    nn.init.normal_(learner.to_values.weight)
    return learner


def adapted_by_hand(learner, vectors):
    """Section 4.2: φ + Σ α V with α ∝ exp(⟨W_Q φ, W_K φ′⟩ / √d), one vector after the other."""
    adapted = []
    for one in vectors:
        asked = learner.to_queries.weight @ one
        scores = [asked @ (learner.to_keys.weight @ other) / math.sqrt(len(one)) for other in vectors]
        weights = torch.stack(scores).softmax(0)
        values = [learner.to_values.weight @ other for other in vectors]
        adapted.append(one + sum(weight * value for weight, value in zip(weights, values, strict=True)))
    return torch.stack(adapted)


def by_class(rows, labels, n_way):
    return [[row for row, label in zip(rows, labels, strict=True) if label == way] for way in range(n_way)]


def test_each_prototype_attends_to_all(learner):
    prototypes = torch.randn(2, 3, 4, dtype=torch.float64)
    expected = torch.stack([adapted_by_hand(learner, one) for one in prototypes])

    torch.testing.assert_close(learner.adapted(prototypes), expected)


def test_answers_are_distances_to_the_adapted_class_means(toy, learner):
    episodes = toy.episodes(dtype=torch.float64)
    answer = learner.answer(episodes)
    for e in range(2):
        with torch.no_grad():
            support, query = learner.backbone(episodes.support[e]), learner.backbone(episodes.query[e])
            means = [sum(rows) / len(rows) for rows in by_class(support, episodes.support_labels[e], 3)]
            adapted = adapted_by_hand(learner, torch.stack(means))
        expected = torch.stack(
            [torch.stack([-(one - mean).square().sum() for mean in adapted]) for one in query]
        )
        torch.testing.assert_close(answer[e], expected)


def test_where_attention_adds_nothing_it_is_protonet(toy):
    """As it is before training, and in each of its answers and gradients of the backbone."""
    feat, protonet = toy.learner(FEAT, contrast=0), toy.learner(ProtoNet)
    protonet.backbone.load_state_dict(feat.backbone.state_dict())
    episodes = toy.episodes()
    for learner in (feat, protonet):
        learner.loss(learner.seen(episodes)).backward()

    torch.testing.assert_close(feat.answer(episodes), protonet.answer(episodes))
    torch.testing.assert_close(feat.backbone.layer.weight.grad, protonet.backbone.layer.weight.grad)
    assert bool((feat.to_values.weight.grad != 0).any())


@pytest.mark.parametrize("uneven", [False, True])
def test_the_contrastive_objective_adapts_each_class_by_itself(toy, learner, uneven):
    """Section 4.3: all examples of a class adapt each other; their mean is its centre."""
    episodes = toy.episodes(dtype=torch.float64, n=1)
    if uneven:
        episodes = replace(episodes, support_labels=torch.tensor([[0, 0, 0, 1, 2, 2]]))
    seen = learner.seen(episodes)
    rows, labels = (
        torch.cat([seen.support[0], seen.query[0]]),
        torch.cat([seen.support_labels[0], seen.targets[0]]),
    )
    centres, adapted = [], torch.zeros_like(rows)
    for way in range(3):
        adapted[labels == way] = adapted_by_hand(learner, rows[labels == way])
        centres.append(adapted[labels == way].mean(0))
    expected = [
        [-(one - centre).square().sum() for centre in centres] for one in adapted[episodes.n_support :]
    ]

    torch.testing.assert_close(
        learner.contrasted(seen)[0], torch.stack([torch.stack(row) for row in expected])
    )


@pytest.mark.parametrize("contrast", [0.0, 0.1, 2.0])
def test_the_loss_adds_the_weighted_contrast(toy, contrast):
    learner = toy.learner(FEAT, contrast=contrast).double()
    nn.init.normal_(learner.to_values.weight)
    seen = learner.seen(toy.episodes(dtype=torch.float64))
    plain, contrasted = (
        functional.cross_entropy(logits.flatten(0, 1), seen.targets.flatten())
        for logits in (learner.predict(seen), learner.contrasted(seen))
    )

    torch.testing.assert_close(learner.loss(seen), plain + contrast * contrasted)
