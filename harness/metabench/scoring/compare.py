"""Which methods differ: tests on identical episodes, corrected for their number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.scoring.groups import tie_groups
from metabench.scoring.interval import Interval, mean_interval
from metabench.scoring.paired import paired_p_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIGNIFICANCE = 0.05


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


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Every two methods of a board.

    Attributes:
        means: (n_methods,) over seeds and episodes, in the metric's unit.
        p_values: (n_methods, n_methods), adjusted by Holm over all pairs; 1 on the diagonal.
        higher_is_better: Which way the metric points.
    """

    means: NDArray[np.float64]
    p_values: NDArray[np.float64]
    higher_is_better: bool

    @property
    def differences(self) -> NDArray[np.float64]:
        """(n_methods, n_methods): mean of the row's method − mean of the column's."""
        return self.means[:, np.newaxis] - self.means

    @property
    def better(self) -> NDArray[np.bool_]:
        """(n_methods, n_methods): is the method of the row significantly better than that of the column."""
        ahead = self.differences > 0 if self.higher_is_better else self.differences < 0
        better: NDArray[np.bool_] = ahead & (self.p_values <= SIGNIFICANCE)
        return better

    @property
    def rank_intervals(self) -> list[tuple[int, int]]:
        """The places that each method may hold, as far as the episodes and its seeds can tell.

        From 1 + number of significantly better ones to n_methods − number of significantly worse ones.
        """
        better = self.better
        lows, highs = 1 + better.sum(axis=0), len(better) - better.sum(axis=1)
        return list(zip(lows.tolist(), highs.tolist(), strict=True))

    @property
    def tie_groups(self) -> list[tuple[int, ...]]:
        """Maximal sets of methods that cannot be told apart, best first; see `tie_groups`."""
        order = np.argsort(-self.means if self.higher_is_better else self.means, kind="stable")
        return tie_groups(self.p_values > SIGNIFICANCE, order)


def compare(first: NDArray[np.float64], second: NDArray[np.float64]) -> Comparison:
    """Compare two methods episode by episode.

    Args:
        first: (n_episodes,) scores.
        second: (n_episodes,) scores on the same episodes in the same order.

    Raises:
        ValueError: The numbers of episodes differ, or there is none.
    """
    (p_value,) = paired_p_values([first[np.newaxis], second[np.newaxis]])
    return Comparison(mean_interval(first - second), float(p_value), len(first))


def compare_all(scores: Sequence[NDArray[np.float64]], *, higher_is_better: bool) -> Comparisons:
    """Compare every two methods of a board.

    Args:
        scores: (n_seeds, n_episodes) of each method, the same episodes for all.
        higher_is_better: Which way the metric points.

    Raises:
        ValueError: The numbers of episodes differ, or a method has no score.
    """
    p_values = np.ones((len(scores), len(scores)))
    pairs = np.triu_indices(len(scores), 1)
    p_values[pairs] = p_values.T[pairs] = holm(paired_p_values(scores))
    return Comparisons(np.array([one.mean() for one in scores]), p_values, higher_is_better)


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
