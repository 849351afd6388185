"""Negative log-likelihood: how surprised a method is by the right answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from metabench.hooks import hookimpl
from metabench.scoring.metric import Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

# In nats. One answer of infinite surprise would leave nothing to compare; as PyTorch bounds cross-entropy.
_MOST = 100.0
# Beyond all finite float32, and such that differences are finite too.
_INFINITE = 1e300


@hookimpl
def metabench_metrics() -> list[Metric]:
    """Declare `nll`."""
    bounds = {"lowest": 0.0, "highest": _MOST}
    return [Metric("nll", "NLL (nats)", nll, higher_is_better=False, as_percent=False, **bounds)]


def nll(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Average −log p of the right class over the queries of each episode, with p = softmax(logits).

    Guessing scores log n_way. A query counts at most 100 nats, and so much where a logit is NaN.

    Args:
        logits: (n_episodes, n_query, n_way).
        labels: (n_episodes, n_query), 0 … n_way − 1.

    Returns:
        (n_episodes,) nats, 0 … 100; less is better.
    """
    surprise = -np.take_along_axis(log_probabilities(logits), labels[..., np.newaxis], axis=-1)[..., 0]
    averages: NDArray[np.float64] = np.minimum(np.nan_to_num(surprise, nan=_MOST), _MOST).mean(axis=-1)
    return averages


def log_probabilities(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Log-softmax over the classes of each query.

    Infinite logits are larger or smaller than any other and as large as each other.

    Args:
        logits: (n_episodes, n_query, n_way).

    Returns:
        (n_episodes, n_query, n_way) ≤ 0; NaN for all classes of a query that has one.
    """
    finite = np.nan_to_num(logits.astype(np.float64), nan=np.nan, posinf=_INFINITE, neginf=-_INFINITE)
    logs: NDArray[np.float64] = special.log_softmax(finite, axis=-1)
    return logs
