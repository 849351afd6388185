"""Macro-F1: the F1 score of each class, averaged, so that rare classes count as much as frequent ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.hooks import hookimpl
from metabench.scoring.metric import Metric
from metabench_plugins.metrics.accuracy import picks

if TYPE_CHECKING:
    from numpy.typing import NDArray


@hookimpl
def metabench_metrics() -> list[Metric]:
    """Declare `macro-f1`."""
    return [Metric("macro-f1", "macro-F1", macro_f1, lowest=0.0, highest=1.0)]


def macro_f1(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average 2 TP / (2 TP + FP + FN) over the classes of each episode.

    Classes that share the largest logit are picked in equal parts, and a NaN among the logits of a query
    picks none, as in accuracy. A class that is neither asked for nor picked does not count.

    Args:
        logits: (n_episodes, n_query, n_way).
        labels: (n_episodes, n_query), 0 … n_way − 1.

    Returns:
        (n_episodes,) in 0 … 1.
    """
    picked, asked = picks(logits), labels[..., np.newaxis] == np.arange(logits.shape[-1])
    total = picked.sum(axis=1) + asked.sum(axis=1)
    f1 = 2 * (picked * asked).sum(axis=1) / np.maximum(total, np.finfo(np.float64).tiny)
    averages: NDArray[np.float64] = f1.sum(axis=-1) / (total > 0).sum(axis=-1)
    return averages
