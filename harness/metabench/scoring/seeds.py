"""Means over several seeds: intervals over seeds and episodes, and the seed that did worst."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from metabench.scoring.interval import CONFIDENCE, Interval, mean_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    Block = tuple[NDArray[np.float64], NDArray[np.float64]]

# Fixed, so that two people who build one table get the same digits.
BOOTSTRAP_SEED = 2017
N_RESAMPLES = 2_000
# Resamples of the episodes that are in memory at a time.
_BLOCK = 250
# Of more episodes than these, all resamples would fill the memory: they are drawn anew for each board.
_MOST_KEPT = 2_000


def seeds_intervals(scores: Sequence[NDArray[np.float64]]) -> list[Interval]:
    """The intervals over seeds and episodes of a board's methods: a bootstrap that draws both anew.

    Every seed answers the same episodes, so each resample draws seeds and, independently, episodes,
    and takes the mean where they cross (Owen 2007, "The pigeonhole bootstrap"). Drawing k seeds from k
    makes the seeds' own variance too small by (k − 1)/k; their distances from the mean are widened by
    its inverse root beforehand (Rao & Wu 1988). Percentiles take a spread for known that few seeds tell
    little of; so they are moved away from the mean by the ratio of Student's quantile to the normal one,
    with the degrees of freedom of Satterthwaite (1946) for the variances of seeds and of episodes. In
    simulations it covers the truth in 96 to 98 % of experiments where seeds do not differ, and where they
    differ as much as single episodes do, in 88 % with 2 seeds, 93 % with 3, 95 % with 5 and 96 % with 10.

    Methods with as many seeds and episodes share their resamples, so that a board is resampled by
    products of matrices.

    Args:
        scores: (n_seeds, n_episodes) of each method, the same episodes in every row.

    Returns:
        For each method, the mean over all its scores and its 95 % interval, the same at every call;
        with one seed, the classical interval over episodes.

    Raises:
        ValueError: A method has no score.
    """
    places: dict[tuple[int, ...], list[int]] = {}
    for place, one in enumerate(scores):
        places.setdefault(one.shape, []).append(place)
    found: dict[int, Interval] = {}
    for alike in places.values():
        intervals = _intervals(np.stack([scores[place] for place in alike]))
        found.update(zip(alike, intervals, strict=True))
    return [found[place] for place in range(len(scores))]


def worst_of_seeds(scores: NDArray[np.float64], *, higher_is_better: bool) -> float:
    """The mean over episodes of the seed that did worst: what somebody with bad luck gets.

    Args:
        scores: (n_seeds, n_episodes).
        higher_is_better: Which way the metric points.
    """
    by_seed = scores.mean(axis=1)
    return float(by_seed.min() if higher_is_better else by_seed.max())


def _intervals(scores: NDArray[np.float64]) -> list[Interval]:
    """Intervals of methods alike in shape: (n_methods, n_seeds, n_episodes)."""
    _, n_seeds, n_episodes = scores.shape
    if n_seeds <= 1 or n_episodes == 0:
        return [mean_interval(one.reshape(-1)) for one in scores]
    tails = [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2]
    means = scores.mean(axis=(1, 2))
    # (2, n_methods): how far the ends are from the mean.
    reach = (np.quantile(_resampled_means(scores), tails, axis=1) - means) * _student(scores)
    low, high = means + reach
    return [Interval(*one) for one in zip(means.tolist(), low.tolist(), high.tolist(), strict=True)]


def _student(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_methods,) by how much Student's interval is wider than the normal one; 1 where nothing varies."""
    _, n_seeds, n_episodes = scores.shape
    of_seeds = scores.mean(axis=2).var(axis=1, ddof=1) / n_seeds
    of_episodes = scores.mean(axis=1).var(axis=1) / max(n_episodes - 1, 1)
    squares = of_seeds**2 / (n_seeds - 1) + of_episodes**2 / max(n_episodes - 1, 1)
    total = (of_seeds + of_episodes) ** 2
    freedom = np.divide(total, squares, out=np.full_like(total, np.inf), where=squares > 0)
    quantile = (1 + CONFIDENCE) / 2
    wider: NDArray[np.float64] = special.stdtrit(freedom, quantile) / special.ndtri(quantile)
    return wider


def _resampled_means(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_methods, N_RESAMPLES) means of (n_methods, n_seeds, n_episodes) scores, drawn anew."""
    n_methods, n_seeds, n_episodes = scores.shape
    shift = _widening(scores)[:, :, np.newaxis]
    blocks = []
    for seeds, episodes in _resamples(n_seeds, n_episodes):
        by_seed = (scores.reshape(-1, n_episodes) @ episodes.T).reshape(n_methods, n_seeds, -1)
        blocks.append(np.einsum("msr,rs->mr", by_seed + shift, seeds))
    return np.concatenate(blocks, axis=1)


def _widening(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n_methods, n_seeds): how far to move each seed's scores, for its distance times √(k / (k − 1))."""
    n_seeds = scores.shape[1]
    from_mean = scores.mean(axis=2) - scores.mean(axis=(1, 2))[:, np.newaxis]
    widening: NDArray[np.float64] = (math.sqrt(n_seeds / (n_seeds - 1)) - 1) * from_mean
    return widening


def _resamples(n_seeds: int, n_episodes: int) -> Iterable[Block]:
    """In blocks, (n_resamples, n_seeds) and (n_resamples, n_episodes): the share of each in a resample."""
    if n_episodes > _MOST_KEPT:
        return _drawn_anew(n_seeds, n_episodes)
    return _kept(n_seeds, n_episodes)


@lru_cache(maxsize=1)
def _kept(n_seeds: int, n_episodes: int) -> tuple[Block, ...]:
    """All blocks at once, as most boards have as many seeds and episodes as the one before."""
    return tuple(_drawn_anew(n_seeds, n_episodes))


def _drawn_anew(n_seeds: int, n_episodes: int) -> Iterator[Block]:
    """One block after the other, the same ones at every call."""
    rng = np.random.Generator(np.random.PCG64(BOOTSTRAP_SEED))
    for start in range(0, N_RESAMPLES, _BLOCK):
        size = min(_BLOCK, N_RESAMPLES - start)
        yield _drawn(rng, size, n_seeds), _drawn(rng, size, n_episodes)


def _drawn(rng: np.random.Generator, n_resamples: int, n_choices: int) -> NDArray[np.float64]:
    """(n_resamples, n_choices): how often each choice is drawn in n_choices draws, as a share of them."""
    draws = rng.integers(n_choices, size=(n_resamples, n_choices))
    places = draws + n_choices * np.arange(n_resamples)[:, np.newaxis]
    counts = np.bincount(places.ravel(), minlength=places.size).reshape(places.shape)
    return counts / n_choices
