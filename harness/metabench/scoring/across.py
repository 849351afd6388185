"""Methods over several benchmarks: average ranks with their critical difference, and performance profiles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from metabench.scoring.compare import SIGNIFICANCE
from metabench.scoring.groups import tie_groups

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Means that agree to so many decimals share their rank: they differ by rounding.
_DECIMALS = 12


@dataclass(frozen=True, eq=False)
class AverageRanks:
    """How methods rank over the benchmarks that all of them have a score on.

    Attributes:
        ranks: (n_methods,) average rank, 1 the best; NaN for methods that lack a score.
        coverage: (n_methods,) part of all benchmarks that each has a score on, 0 … 1.
        benchmarks: Over which ranks are averaged; the others have too few scores.
        p_value: Friedman's test of the hypothesis that all rank alike; None of fewer than three methods.
        critical_difference: Average ranks that differ by less cannot be told apart; None without a rival.
        groups: Maximal sets of ranked methods that cannot be told apart, best first.
    """

    ranks: NDArray[np.float64]
    coverage: NDArray[np.float64]
    benchmarks: tuple[int, ...]
    p_value: float | None
    critical_difference: float | None
    groups: tuple[tuple[int, ...], ...]

    @property
    def may_differ(self) -> bool:
        """Friedman's test does not speak against telling methods apart."""
        return self.p_value is None or self.p_value <= SIGNIFICANCE


def average_ranks(
    scores: NDArray[np.float64], *, higher_is_better: NDArray[np.bool_] | bool = True
) -> AverageRanks:
    """Rank methods on each benchmark, average the ranks, and tell which of them differ (Demšar 2006).

    First Friedman's test; unless it says that some methods differ, none are told apart. Then Nemenyi's:
    two methods differ if their average ranks do by at least q √(k (k + 1) / (6 N)), for k methods on N
    benchmarks, with q of the Studentized range over √2, at 5 %. A method that lacks a score is not
    ranked, as neither leaving the benchmark out nor a rank for it would be fair: its coverage is told.

    So that a benchmark that few have tried does not cost the others their rank, ranks are averaged over
    those benchmarks with the most scores, two or more, that rank the most methods, counted as methods ×
    benchmarks; where that is equal, over more benchmarks. A method alone is compared with none: where these
    would rank no two, ranks are averaged over the benchmarks that any two methods have the most of in common.

    Args:
        scores: (n_methods, n_benchmarks) mean scores, NaN where there is none.
        higher_is_better: Which way the metric points, (n_benchmarks,) or one for all.
    """
    n_methods, _ = scores.shape
    present = ~np.isnan(scores)
    benchmarks = _most_complete(present)
    complete = np.flatnonzero(present[:, benchmarks].all(axis=1))
    oriented = np.where(higher_is_better, -scores, scores)[np.ix_(complete, benchmarks)].round(_DECIMALS)
    by_benchmark = stats.rankdata(oriented, axis=0)
    ranks = np.full(n_methods, np.nan)
    ranks[complete] = by_benchmark.mean(axis=1)
    p_value = _friedman(by_benchmark)
    critical = _critical_difference(len(complete), len(benchmarks))
    return AverageRanks(
        ranks=ranks,
        coverage=present.mean(axis=1),
        benchmarks=tuple(benchmarks.tolist()),
        p_value=p_value,
        critical_difference=critical,
        groups=_groups(ranks, complete, critical, may_differ=p_value is None or p_value <= SIGNIFICANCE),
    )


def performance_profile(scores: NDArray[np.float64], thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """On which part of the benchmarks a method scores at least τ, for each τ (Agarwal et al. 2021, eq. 3).

    The profile of Dolan & Moré (2002) takes ratios to the best method instead. For running times these
    mean the same everywhere; for accuracies 98 and 99 % have almost none, though the first makes twice
    the errors. A benchmark without a score is one where no τ is reached, so that a gap can only lower it.

    Args:
        scores: (n_methods, n_benchmarks), higher is better, NaN where there is none.
        thresholds: (n_thresholds,) values of τ, in the unit of the scores.

    Returns:
        (n_methods, n_thresholds) in 0 … 1.
    """
    profile: NDArray[np.float64] = (scores[:, :, np.newaxis] >= thresholds).mean(axis=1)
    return profile


def _most_complete(present: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The benchmarks over which ranks are averaged, in their order, of (n_methods, n_benchmarks)."""
    n_benchmarks = present.shape[1]
    by_scores = np.argsort(-present.sum(axis=0), kind="stable")
    n_complete = np.logical_and.accumulate(present[:, by_scores], axis=1).sum(axis=0)
    ranked = n_complete * np.arange(1, n_benchmarks + 1)
    # One alone has no average.
    ranked[: min(1, n_benchmarks - 1)] = -1
    compared = np.where(n_complete > 1, ranked, -1)
    if compared.max() >= 0:
        ranked = compared
    elif len(shared := _most_shared(present)) > 1:
        return shared
    most = n_benchmarks - int(np.argmax(ranked[::-1]))
    return np.sort(by_scores[:most])


def _most_shared(present: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The benchmarks that those two methods have in common that have the most."""
    counts = present.astype(np.float64)
    shared = np.triu(counts @ counts.T, 1)
    if not shared.any():
        return np.empty(0, np.intp)
    first, second = np.unravel_index(np.argmax(shared), shared.shape)
    return np.flatnonzero(present[first] & present[second])


def _friedman(ranks: NDArray[np.float64]) -> float | None:
    """P of (n_methods, n_benchmarks) ranks; 1 where all are tied everywhere."""
    if len(ranks) < 3:
        return None
    if not np.ptp(ranks):
        return 1.0
    return float(stats.friedmanchisquare(*ranks).pvalue)


def _critical_difference(n_methods: int, n_benchmarks: int) -> float | None:
    if n_methods < 2:
        return None
    q = float(stats.studentized_range.ppf(1 - SIGNIFICANCE, n_methods, math.inf)) / math.sqrt(2)
    return q * math.sqrt(n_methods * (n_methods + 1) / (6 * n_benchmarks))


def _groups(
    ranks: NDArray[np.float64], complete: NDArray[np.intp], critical: float | None, *, may_differ: bool
) -> tuple[tuple[int, ...], ...]:
    apart = np.abs(ranks[complete, np.newaxis] - ranks[complete])
    tied = apart < (critical if critical is not None and may_differ else math.inf)
    order = np.argsort(ranks[complete], kind="stable")
    return tuple(tuple(complete[list(group)].tolist()) for group in tie_groups(tied, order))
