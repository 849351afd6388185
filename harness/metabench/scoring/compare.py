"""Which methods differ: paired tests on identical episodes, corrected for their number."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from metabench.scoring.interval import Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIGNIFICANCE = 0.05
# Differences closer than this, relative to the scores, differ by rounding only.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same episodes.

    Attributes:
        difference: Mean of first − second with its 95 % interval over episodes.
        p_value: Two-sided, of the hypothesis that the mean difference is zero.
        n_episodes: Pairs of scores.
    """

    difference: Interval
    p_value: float
    n_episodes: int


def compare(first: NDArray[np.float64], second: NDArray[np.float64]) -> Comparison:
    """Compare two methods episode by episode.

    Args:
        first: (n_episodes,) scores.
        second: (n_episodes,) scores on the same episodes in the same order.

    Raises:
        ValueError: The numbers of episodes differ, or there is none.
    """
    p_value = paired_p_value(first, second)
    return Comparison(mean_interval(first - second), p_value, len(first))


def paired_p_value(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Test whether two methods differ in the mean: the paired t-test, two-sided.

    Where the t-test says nothing, because all differences are the same, the exact test on the signs of
    the differences takes its place: n equal ones have p = 2^(1 − n). Hence no difference at all, and a
    single episode, have p = 1.

    Args:
        first: (n_episodes,) scores.
        second: (n_episodes,) scores on the same episodes in the same order.

    Returns:
        p in 0 … 1.

    Raises:
        ValueError: The numbers of episodes differ, or there is none.
    """
    if first.shape != second.shape or not len(first):
        raise ValueError(f"scores of {first.shape} and {second.shape}; expected two of one length")
    differences = first - second
    rounding = _ROUNDING * float(np.max(np.abs([first, second])))
    if np.max(np.abs(differences)) <= rounding:
        return 1.0
    if np.ptp(differences) <= rounding:
        return float(2.0 ** (1 - len(differences)))
    return float(stats.ttest_rel(first, second).pvalue)


def p_value_over_seeds(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Test whether two methods differ in the mean over the seeds that might have been drawn, two-sided.

    Two things make the difference uncertain: the episodes, which pair, and the seeds, which do not. Their
    variances add up, and Welch and Satterthwaite give the degrees of freedom of the sum. A method with
    one seed says nothing of others: it is judged by the seed it has.

    Args:
        first: (n_seeds, n_episodes) scores.
        second: (n_seeds, n_episodes) scores on the same episodes, of as many seeds or of others.

    Returns:
        p in 0 … 1; that of the paired t-test where both have one seed.

    Raises:
        ValueError: The numbers of episodes differ, or there is none.
    """
    over_episodes = first.mean(axis=0), second.mean(axis=0)
    spreads = [one.mean(axis=1) for one in (first, second) if len(one) > 1]
    variances = [float(np.var(means, ddof=1)) / len(means) for means in spreads]
    if not any(variances):
        return paired_p_value(*over_episodes)
    differences = over_episodes[0] - over_episodes[1]
    freedoms = [len(means) - 1 for means in spreads]
    if len(differences) > 1:
        variances.append(float(np.var(differences, ddof=1)) / len(differences))
        freedoms.append(len(differences) - 1)
    total = sum(variances)
    freedom = total**2 / sum(part**2 / one for part, one in zip(variances, freedoms, strict=True))
    return float(2 * stats.t.sf(abs(differences.mean()) / np.sqrt(total), freedom))


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Adjust p-values so that 5 % is the chance of any false claim among them all (Holm 1979).

    Args:
        p_values: (n_tests,).

    Returns:
        (n_tests,) adjusted p-values in the same order; a test is significant where its own is ≤ 5 %.
    """
    order = np.argsort(p_values, kind="stable")
    steps = p_values[order] * np.arange(len(p_values), 0, -1)
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def rank_intervals(scores: Sequence[NDArray[np.float64]], *, higher_is_better: bool) -> list[tuple[int, int]]:
    """The places that each method may hold, as far as the episodes and its seeds can tell.

    Args:
        scores: (n_seeds, n_episodes) of each method, the same episodes for all.
        higher_is_better: Which way the metric points.

    Returns:
        For each method (1 + number of significantly better ones, n_methods − number of significantly
        worse ones), over all pairs with Holm's correction at 5 %.
    """
    better = _significantly_better([one if higher_is_better else -one for one in scores])
    n_methods = len(scores)
    lows, highs = 1 + better.sum(axis=0), n_methods - better.sum(axis=1)
    return [(int(low), int(high)) for low, high in zip(lows, highs, strict=True)]


def _significantly_better(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """(n_methods, n_methods): is the method of the row better than that of the column."""
    pairs = list(combinations(range(len(scores)), 2))
    adjusted = holm(np.array([p_value_over_seeds(scores[one], scores[other]) for one, other in pairs]))
    better = np.zeros((len(scores), len(scores)), dtype=bool)
    for (one, other), p_value in zip(pairs, adjusted, strict=True):
        if p_value <= SIGNIFICANCE:
            ahead = scores[one].mean() > scores[other].mean()
            better[(one, other) if ahead else (other, one)] = True
    return better
