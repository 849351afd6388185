"""A mean with its 95 % interval, by Student's t."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds between which it is believed to lie, in the unit of the scores."""

    mean: float
    low: float
    high: float


def mean_interval(scores: NDArray[np.float64]) -> Interval:
    """The classical interval over episodes.

    Args:
        scores: (n_episodes,), one score per episode.

    Returns:
        The mean and its 95 % interval; −∞ … ∞ for a single episode, which says nothing of the spread.

    Raises:
        ValueError: There is no score.
    """
    if not len(scores):
        raise ValueError("no scores; expected at least one episode")
    mean, n_episodes = np.mean(scores, keepdims=True), len(scores)
    if n_episodes == 1:
        return Interval(float(mean[0]), -math.inf, math.inf)
    error = np.std(scores, ddof=1, keepdims=True) / math.sqrt(n_episodes)
    return student_intervals(mean, error, np.array([n_episodes - 1.0]))[0]


def student_intervals(
    means: NDArray[np.float64], errors: NDArray[np.float64], freedom: NDArray[np.float64]
) -> list[Interval]:
    """Intervals of means whose standard errors are estimated.

    Args:
        means: (n_means,).
        errors: (n_means,) standard errors.
        freedom: (n_means,) degrees of freedom of the standard errors.
    """
    half = errors * special.stdtrit(freedom, (1 + CONFIDENCE) / 2)
    bounds = zip(means.tolist(), (means - half).tolist(), (means + half).tolist(), strict=True)
    return [Interval(*one) for one in bounds]
