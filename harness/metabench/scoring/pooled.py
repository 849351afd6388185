"""A pooled metric: one number for all queries of a run, which no single episode has."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.scoring.interval import Interval, student_intervals

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True)
class PooledMetric:
    """A score of a whole run; it stands beside a ranking, as methods cannot be paired on it by episode.

    Attributes:
        name: As commands and files name it.
        title: Heading of its column in tables.
        n_sums: How many sums it is made of.
        sums: (n_episodes, n_query, n_way) logits, (n_episodes, n_query) labels → (n_episodes, n_sums), what
            adds up over episodes.
        value: (…, n_sums), added up → (…) finite scores.
        higher_is_better: Which way it points.
        as_percent: Tables show 100 times the score.
    """

    name: str
    title: str
    n_sums: int
    sums: Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
    value: Callable[[NDArray[np.float64]], NDArray[np.float64]]
    higher_is_better: bool = True
    as_percent: bool = True


def sum_episodes(
    metric: PooledMetric, logits: Sequence[NDArray[np.float32]], labels: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """What each episode adds, episodes one by one, as their shapes may differ.

    Args:
        metric: What to score with.
        logits: (n_query_total, n_way) of each episode.
        labels: (n_query_total,) of each episode.

    Returns:
        (n_episodes, n_sums).
    """
    return np.concatenate(
        [metric.sums(one[None], right[None]) for one, right in zip(logits, labels, strict=True)]
    )


def pooled_interval(metric: PooledMetric, sums: NDArray[np.float64]) -> Interval:
    """The metric of a run with its interval over episodes: the jackknife (Tukey 1958).

    The spread of what is left when one episode after the other is left out gives the standard error. A
    bootstrap would add its own noise to what is already a sum of absolute noise, as calibration errors
    are, so that its percentiles lie above the value itself.

    Args:
        metric: The metric.
        sums: (n_episodes, n_sums) of `sum_episodes`.

    Returns:
        The metric of all queries and its 95 % interval, by Student's t; −∞ … ∞ for a single episode.

    Raises:
        ValueError: There is no episode, or another number of sums.
    """
    n_episodes = len(sums)
    if sums.shape != (max(n_episodes, 1), metric.n_sums):
        raise ValueError(
            f"sums of shape {sums.shape} for {metric.name!r}; expected {metric.n_sums} of at least one "
            "episode"
        )
    total = sums.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):  # strangers' sums may make no number
        value, without_one = metric.value(total[np.newaxis]), metric.value(total - sums)
    if n_episodes == 1:
        return Interval(float(value[0]), -math.inf, math.inf)
    error = np.std(without_one, keepdims=True) * math.sqrt(n_episodes - 1)
    return student_intervals(value, error, np.array([n_episodes - 1.0]))[0]
