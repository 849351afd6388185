"""Baseline: a new last layer, trained as by hand and towards the optimum of logistic regression."""

import numpy as np
import torch

from metabench_plugins.algorithms.baseline import Baseline
from metabench_plugins.algorithms.linear_probe import logistic_regression

DOUBLE = {"dtype": torch.float64}


def features_of(learner, episodes):
    with torch.no_grad():
        return learner.backbone(episodes.support).numpy(), learner.backbone(episodes.query).numpy()


def layer_by_hand(features, labels, *, rate, steps, decay):
    """From zero: W ← W − rate · ((P − Y)ᵀ X / n + decay · W), b ← b − rate · mean(P − Y)."""
    weight, bias = np.zeros((3, features.shape[1])), np.zeros(3)
    for _ in range(steps):
        scores = np.exp(features @ weight.T + bias)
        errors = scores / scores.sum(1, keepdims=True) - np.eye(3)[labels]
        weight = weight - rate * (errors.T @ features / len(features) + decay * weight)
        bias = bias - rate * errors.mean(0)
    return weight, bias


def test_answers_are_those_of_steps_by_hand(toy):
    learner = toy.learner(Baseline, inner_lr=0.7, inner_steps=9, inner_decay=0.05).double()
    episodes = toy.episodes(n=3, **DOUBLE)
    support, query = features_of(learner, episodes)

    answer = learner.answer(episodes).numpy()
    for e in range(3):
        weight, bias = layer_by_hand(
            support[e], episodes.support_labels[e].numpy(), rate=0.7, steps=9, decay=0.05
        )
        np.testing.assert_allclose(answer[e], query[e] @ weight.T + bias, rtol=1e-9)


def test_with_enough_steps_it_is_logistic_regression(toy):
    """The mean of n losses with a penalty, times n, is their sum with n times the penalty."""
    learner = toy.learner(Baseline, inner_lr=1.0, inner_steps=400, inner_decay=0.1).double()
    episodes = toy.episodes(**DOUBLE)
    with torch.no_grad():
        support, query = learner.backbone(episodes.support), learner.backbone(episodes.query)

    answer = learner.answer(episodes)
    for e, labels in enumerate(episodes.support_labels):
        weight, bias = logistic_regression(support[e], labels, 3, l2=0.1 * len(labels))
        torch.testing.assert_close(answer[e], query[e] @ weight + bias, rtol=1e-4, atol=1e-5)


def test_without_steps_that_move_no_class_is_preferred(toy):
    assert not toy.learner(Baseline, inner_lr=0.0).answer(toy.episodes()).any()


def test_features_stay_as_they_are_in_an_episode(toy):
    learner, episodes = toy.learner(Baseline), toy.episodes()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    learner.answer(episodes)

    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(weight.grad is None for weight in learner.parameters())
