"""Accuracy: the fraction of queries whose largest logit is that of the right class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.hooks import hookimpl
from metabench.scoring.metric import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray


@hookimpl
def metabench_metrics() -> list[Metric]:
    """Declare accuracy."""
    return [Metric(name="accuracy", title="accuracy", score=accuracy, lowest=0.0, highest=1.0)]


def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Score each episode by the fraction of its queries that are answered rightly.

    Where k classes share the largest logit and the right one is among them, the query counts 1/k: what
    picking one of them at random earns. So a learner that gives every class the same logit scores
    chance, not the frequency of class 0. A query with a NaN among its logits counts as wrong.

    Args:
        logits: (n_episodes, n_query, n_way).
        labels: (n_episodes, n_query), 0 … n_way − 1.

    Returns:
        (n_episodes,) in 0 … 1.
    """
    fractions: NDArray[np.float64] = right(logits, labels).mean(axis=-1)
    return fractions


def right(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n_episodes, n_query) how far each query is answered rightly, 0 … 1, as `accuracy` counts it."""
    return np.take_along_axis(picks(logits), labels[..., np.newaxis], axis=-1)[..., 0]


def picks(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """(n_episodes, n_query, n_way) how far each class is picked: 1/k where k share the largest logit."""
    # The maximum of logits with a NaN is NaN, which equals nothing: no class is picked.
    picked = logits == logits.max(axis=-1, keepdims=True)
    shares: NDArray[np.float64] = picked / np.maximum(picked.sum(axis=-1, keepdims=True), 1)
    return shares
