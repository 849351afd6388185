"""Paired t-tests of every two methods of a board, on identical episodes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Pairs = tuple[NDArray[np.intp], NDArray[np.intp]]
    # Variances that add to those of differences, and their degrees of freedom; (n_pairs,) each.
    Part = tuple[NDArray[np.float64], NDArray[np.float64]]

# Scores closer than this, relative to the largest, differ by rounding only.
_ROUNDING = 1e-9
# A variance that is a smaller part than this of those it is the difference of has lost its last digits.
_CANCELLED = 1e-6
# Pairs whose differences are in memory at a time.
_BLOCK = 1_000


@dataclass(frozen=True)
class _Seeds:
    """How the means of seeds spread around their mean; an entry for each method, or for one of each pair.

    Attributes:
        squares: Sum of squared distances.
        freedom: Degrees of freedom: seeds − 1.
        share: What the mean over seeds has of the variance of one; 0 for a method of one seed.
    """

    squares: NDArray[np.float64]
    freedom: NDArray[np.float64]
    share: NDArray[np.float64]

    @classmethod
    def of(cls, scores: Sequence[NDArray[np.float64]]) -> _Seeds:
        """Of methods, from their (n_seeds, n_episodes) scores."""
        return cls(*np.array([_spread(one) for one in scores]).T)

    @property
    def own(self) -> Part:
        """The part of a difference that each method has by its own spread."""
        return self.squares / np.maximum(self.freedom, 1) * self.share, np.maximum(self.freedom, 1)

    def pooled(self, others: _Seeds) -> Part:
        """The part of a difference that both methods have by a spread that they share."""
        freedom = np.maximum(self.freedom + others.freedom, 1)
        return (self.squares + others.squares) / freedom * (self.share + others.share), freedom

    def __getitem__(self, methods: NDArray[np.intp]) -> _Seeds:
        return _Seeds(self.squares[methods], self.freedom[methods], self.share[methods])


def paired_p_values(scores: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Test of every two methods whether they differ in the mean, two-sided.

    Two things make a difference uncertain: the episodes, which pair, and the seeds that might have been
    drawn, which do not. Their variances add up. A method with one seed says nothing of others: it is judged
    by the seed it has, and two of them by the paired t-test. Else p is the larger one of two tests:

    - that of Welch (1947), with the degrees of freedom of Satterthwaite (1946). It lets each method spread
      over seeds as it will, but tells copies of one method apart too often where one has 2 seeds;
    - one with the same spread for both, whose p is weighted by the variances of seeds and of episodes, in
      the manner of Cochran & Cox (1950). It is right for copies, but not where few seeds spread the most.

    So copies of a method are tied in 95 of 100 draws of their seeds, two each or more, and methods with as
    many seeds are told apart nearly as often as by Welch's test alone.

    Where there is no variance, because all differences are the same, the exact test on the signs of the
    differences takes its place: n equal ones have p = 2^(1 − n). Hence no difference at all, and a single
    episode, have p = 1.

    Args:
        scores: (n_seeds, n_episodes) of each method, the same episodes for all; seeds may differ in number.

    Returns:
        (n_pairs,) in 0 … 1, in the order of `np.triu_indices(n_methods, 1)`.

    Raises:
        ValueError: The numbers of episodes differ, or a method has no score.
    """
    if len({one.shape[1] for one in scores}) > 1 or not all(one.size for one in scores):
        raise ValueError(f"scores of {[one.shape for one in scores]}; expected the same episodes for all")
    if len(scores) < 2:
        return np.empty(0)
    pairs = np.triu_indices(len(scores), 1)
    means = np.stack([one.mean(axis=0) for one in scores])
    overall, n_episodes = means.mean(axis=1), means.shape[1]
    differences = np.abs(overall[pairs[0]] - overall[pairs[1]])
    variances = _variances_of_differences(means, pairs) / n_episodes
    of_episodes = variances, np.full_like(variances, max(n_episodes - 1, 1))
    first, second = (_Seeds.of(scores)[methods] for methods in pairs)
    with np.errstate(divide="ignore", invalid="ignore"):
        welch = _welch(differences, [first.own, second.own, of_episodes])
        cochran = _cochran(differences, [first.pooled(second), of_episodes])
    constant = of_episodes[0] + first.squares + second.squares == 0
    signs = np.where(differences > _rounding(means, pairs), 2.0 ** (1 - n_episodes), 1.0)
    return np.where(constant, signs, np.maximum(welch, cochran))


def _rounding(means: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    """(n_pairs,) how far apart rounding may bring scores."""
    largest = np.abs(means).max(axis=1)
    rounding: NDArray[np.float64] = _ROUNDING * np.maximum(largest[pairs[0]], largest[pairs[1]])
    return rounding


def _spread(scores: NDArray[np.float64]) -> tuple[float, float, float]:
    """Squares, freedom and share of `_Seeds`, from (n_seeds, n_episodes)."""
    by_seed, n_seeds = scores.mean(axis=1), len(scores)
    differ = np.ptp(by_seed) > _ROUNDING * np.max(np.abs(scores))
    squares = float(np.var(by_seed)) * n_seeds if differ else 0.0
    return squares, n_seeds - 1, 1 / n_seeds if n_seeds > 1 else 0.0


def _welch(differences: NDArray[np.float64], parts: Sequence[Part]) -> NDArray[np.float64]:
    """(n_pairs,) p from the sum of variances that need not be equal."""
    variances, freedoms = np.stack(parts, axis=1)
    total = variances.sum(axis=0)
    freedom = total**2 / (variances**2 / freedoms).sum(axis=0)
    p_values: NDArray[np.float64] = 2 * special.stdtr(freedom, -differences / np.sqrt(total))
    return p_values


def _cochran(differences: NDArray[np.float64], parts: Sequence[Part]) -> NDArray[np.float64]:
    """(n_pairs,) p that each part's degrees of freedom would give, weighted by the variances."""
    variances, freedoms = np.stack(parts, axis=1)
    total = variances.sum(axis=0)
    p_values = 2 * special.stdtr(freedoms, -differences / np.sqrt(total))
    weighted: NDArray[np.float64] = (variances / total * p_values).sum(axis=0)
    return weighted


def _variances_of_differences(means: NDArray[np.float64], pairs: Pairs) -> NDArray[np.float64]:
    """(n_pairs,) variances over (n_methods, n_episodes) scores; 0 where differences differ by rounding only.

    They follow from the covariances of all methods, var(x − y) = var(x) + var(y) − 2 cov(x, y), which one
    product of matrices gives. Where that leaves too few digits, they are taken from the differences.
    """
    freedom = max(means.shape[1] - 1, 1)
    centred = means - means.mean(axis=1, keepdims=True)
    covariances = centred @ centred.T / freedom
    own = np.diag(covariances)
    parts, rounding = own[pairs[0]] + own[pairs[1]], _rounding(means, pairs)
    variances: NDArray[np.float64] = parts - 2 * covariances[pairs]
    alike = np.flatnonzero(variances <= np.maximum(_CANCELLED * parts, rounding**2))
    for start in range(0, len(alike), _BLOCK):
        block = alike[start : start + _BLOCK]
        differences = means[pairs[0][block]] - means[pairs[1][block]]
        exact = differences.var(axis=1) * means.shape[1] / freedom
        variances[block] = np.where(np.ptp(differences, axis=1) > rounding[block], exact, 0.0)
    return variances
