"""A mean with its 95 % interval: over episodes, or over seeds and episodes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    from numpy.typing import NDArray

CONFIDENCE = 0.95
# Fixed, so that two people who build one table get the same digits.
BOOTSTRAP_SEED = 2017
N_RESAMPLES = 2_000


@dataclass(frozen=True)
class Interval:
    """A mean and the bounds between which it is believed to lie, in the unit of the scores."""

    mean: float
    low: float
    high: float


def mean_interval(scores: NDArray[np.float64]) -> Interval:
    """The classical interval over episodes: Student's t.

    Args:
        scores: (n_episodes,), one score per episode.

    Returns:
        The mean and its 95 % interval; −∞ … ∞ for a single episode, which says nothing of the spread.

    Raises:
        ValueError: There is no score.
    """
    if not len(scores):
        raise ValueError("no scores; expected at least one episode")
    mean = float(np.mean(scores))
    if len(scores) == 1:
        return Interval(mean, -math.inf, math.inf)
    standard_error = float(np.std(scores, ddof=1)) / math.sqrt(len(scores))
    half = float(stats.t.ppf((1 + CONFIDENCE) / 2, df=len(scores) - 1)) * standard_error
    return Interval(mean, mean - half, mean + half)


def seeds_interval(scores_by_seed: NDArray[np.float64]) -> Interval:
    """The interval over seeds and episodes: a bootstrap that draws both anew.

    Every seed answers the same episodes, so each resample draws seeds and, independently, episodes,
    and takes the mean where they cross (Owen 2007, "The pigeonhole bootstrap"). Drawing k seeds from k
    makes the seeds' own variance too small by (k − 1)/k; their distances from the mean are widened by
    its inverse root beforehand (Rao & Wu 1988). Few seeds remain few: in simulations it covers the truth
    in 95 to 98 % of experiments where seeds hardly differ, but where they differ as much as single
    episodes do, in 71 % with 2 seeds, 81 % with 3, 88 % with 5 and 93 % with 10.

    Args:
        scores_by_seed: (n_seeds, n_episodes), the same episodes in every row.

    Returns:
        The mean over all scores and its 95 % percentile interval, the same at every call; with one
        seed, the classical interval over episodes.

    Raises:
        ValueError: There is no score.
    """
    n_seeds, n_episodes = scores_by_seed.shape
    if n_seeds == 1 or n_episodes == 0:
        return mean_interval(scores_by_seed.reshape(-1))
    widened = _widen_seeds(scores_by_seed)
    rng = np.random.Generator(np.random.PCG64(BOOTSTRAP_SEED))
    means = [_resampled_mean(widened, rng) for _ in range(N_RESAMPLES)]
    low, high = np.quantile(means, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(np.mean(scores_by_seed)), float(low), float(high))


def _widen_seeds(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move each seed's scores away from the mean of all by √(k / (k − 1))."""
    n_seeds = len(scores)
    from_mean = scores.mean(axis=1, keepdims=True) - scores.mean()
    widened: NDArray[np.float64] = scores + (math.sqrt(n_seeds / (n_seeds - 1)) - 1) * from_mean
    return widened


def _resampled_mean(scores: NDArray[np.float64], rng: np.random.Generator) -> float:
    n_seeds, n_episodes = scores.shape
    seeds = rng.integers(n_seeds, size=n_seeds)
    episodes = rng.integers(n_episodes, size=n_episodes)
    return float(scores[seeds].mean(axis=0)[episodes].mean())
