"""Accuracy: right answers, ties, and logits that are no numbers."""

import numpy as np
import pytest
from numpy.typing import ArrayLike

from metabench_plugins.metrics.accuracy import accuracy, metabench_metrics


def score(logits: ArrayLike, labels: ArrayLike) -> list[float]:
    found = accuracy(np.array(logits, np.float32), np.array(labels, np.int64))
    assert found.dtype == np.float64
    return [float(one) for one in found]


def test_each_episode_scores_its_fraction_of_right_queries() -> None:
    logits = [[[1, 2], [2, 1]], [[1, 2], [1, 2]]]

    assert score(logits, [[1, 1], [1, 1]]) == [0.5, 1.0]


def test_agrees_with_counting_arg_maxima() -> None:
    rng = np.random.default_rng(0)
    logits, labels = rng.normal(size=(20, 75, 5)).astype(np.float32), rng.integers(5, size=(20, 75))

    by_hand = [
        np.mean([logits[episode, query].argmax() == labels[episode, query] for query in range(75)])
        for episode in range(20)
    ]

    assert score(logits, labels) == pytest.approx(by_hand)


def test_constant_logits_score_chance_whatever_the_labels() -> None:
    assert score(np.zeros((1, 8, 4)), np.zeros((1, 8))) == [0.25]
    assert score(np.full((1, 8, 4), -np.inf), np.full((1, 8), 3)) == [0.25]


def test_a_tie_is_shared_among_those_at_the_top() -> None:
    assert score([[[3, 3, 1], [3, 3, 1]]], [[0, 2]]) == [0.25]


def test_a_query_with_a_nan_is_wrong() -> None:
    assert score([[[9, np.nan], [9, 1]]], [[0, 0]]) == [0.5]


def test_infinite_logits_are_numbers() -> None:
    assert score([[[np.inf, 1], [-np.inf, 1]]], [[0, 0]]) == [0.5]


def test_is_declared_as_the_metric_accuracy() -> None:
    (metric,) = metabench_metrics()

    assert (metric.name, metric.higher_is_better, metric.as_percent) == ("accuracy", True, True)
    assert metric.score is accuracy
