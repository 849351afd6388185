"""Negative log-likelihood, against PyTorch's cross-entropy."""

import math

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from metabench_plugins.metrics.nll import log_probabilities, metabench_metrics, nll


@pytest.mark.parametrize("scale", [0.1, 1.0, 10.0])
def test_agrees_with_pytorch(scale: float) -> None:
    rng = np.random.default_rng(0)
    logits = (scale * rng.normal(size=(6, 15, 5))).astype(np.float32)
    labels = rng.integers(5, size=(6, 15))

    theirs = [
        cross_entropy(torch.tensor(one).double(), torch.tensor(of)).item()
        for one, of in zip(logits, labels, strict=True)
    ]

    assert nll(logits, labels) == pytest.approx(theirs, rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 7.0, math.inf, -math.inf])
def test_guessing_scores_the_logarithm_of_the_ways(value: float) -> None:
    found = nll(np.full((1, 3, 5), value, np.float32), np.array([[0, 1, 4]]))

    assert found == pytest.approx([math.log(5)])


def test_an_answer_of_infinite_surprise_counts_a_hundred_nats() -> None:
    logits = np.array([[[0, 1e30], [0, np.inf], [-np.inf, 0]]], np.float32)

    assert nll(logits, np.array([[0, 0, 0]])).tolist() == [100.0]
    assert nll(logits, np.array([[1, 1, 1]])).tolist() == [0.0]


def test_a_query_with_a_nan_counts_a_hundred_nats() -> None:
    logits = np.array([[[0, np.nan], [0, 0]]], np.float32)

    assert nll(logits, np.array([[0, 0]])) == pytest.approx([(100 + math.log(2)) / 2])


def test_probabilities_of_a_query_add_up_to_one() -> None:
    logits = np.random.default_rng(0).normal(0, 50, (4, 8, 5)).astype(np.float32)

    assert np.exp(log_probabilities(logits)).sum(axis=-1) == pytest.approx(np.ones((4, 8)))


def test_is_declared_in_nats_of_which_fewer_are_better() -> None:
    (metric,) = metabench_metrics()

    assert (metric.name, metric.score) == ("nll", nll)
    assert (metric.higher_is_better, metric.as_percent) == (False, False)
