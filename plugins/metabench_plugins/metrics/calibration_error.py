"""Expected calibration error: how far confidence is from the frequency of right answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.hooks import hookimpl
from metabench.scoring.pooled import PooledMetric
from metabench_plugins.metrics.accuracy import right
from metabench_plugins.metrics.nll import log_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BINS = 15


@hookimpl
def metabench_pooled_metrics() -> list[PooledMetric]:
    """Declare `calibration-error`."""
    return [
        PooledMetric("calibration-error", "ECE", N_BINS + 1, gaps, expected_error, higher_is_better=False)
    ]


def gaps(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """What each episode adds to the bins of confidence.

    Confidence is the probability, by softmax, of the picked class. Bins are ((m − 1)/15, m/15]. Right is
    counted as in accuracy; a query with a NaN among its logits is wrong with full confidence.

    Args:
        logits: (n_episodes, n_query, n_way).
        labels: (n_episodes, n_query), 0 … n_way − 1.

    Returns:
        (n_episodes, 16): of each of 15 bins, right answers − confidence, summed over its queries; then the
        number of all queries.
    """
    confidence = np.nan_to_num(np.exp(log_probabilities(logits).max(axis=-1)), nan=1.0)
    bins = np.clip(np.ceil(confidence * N_BINS) - 1, 0, N_BINS - 1)
    in_bin = bins[..., np.newaxis] == np.arange(N_BINS)
    by_bin = ((right(logits, labels) - confidence)[..., np.newaxis] * in_bin).sum(axis=1)
    return np.concatenate([by_bin, np.full((len(labels), 1), labels.shape[1])], axis=1)


def expected_error(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """Σ_m |B_m| / n · |acc(B_m) − conf(B_m)| (Guo et al. 2017, eq. 3), where |B_m| cancels.

    Args:
        sums: (…, 16) of `gaps`, over all episodes.

    Returns:
        (…) in 0 … 1.
    """
    errors: NDArray[np.float64] = np.abs(sums[..., :-1]).sum(axis=-1) / sums[..., -1]
    return errors
