"""Intervals, against scipy's own and against what simulated experiments cover."""

import math

import numpy as np
import pytest
from scipy import stats

from metabench.scoring import interval
from metabench.scoring.interval import Interval, mean_interval, seeds_interval


def crossed(rng: np.random.Generator, n_seeds: int, *, seed_sd: float, n_episodes: int = 150) -> np.ndarray:
    """Scores with true mean 0: effects of seeds, of episodes, and of each cell."""
    seeds = rng.normal(0, seed_sd, (n_seeds, 1))
    episodes = rng.normal(0, 0.1, n_episodes)
    return seeds + episodes + rng.normal(0, 0.1, (n_seeds, n_episodes))


def coverage(n_seeds: int, *, seed_sd: float, n_experiments: int = 200) -> float:
    rng = np.random.default_rng(7)
    found = (seeds_interval(crossed(rng, n_seeds, seed_sd=seed_sd)) for _ in range(n_experiments))
    return float(np.mean([one.low <= 0 <= one.high for one in found]))


@pytest.mark.parametrize("n_episodes", [2, 3, 600])
def test_interval_over_episodes_is_that_of_scipys_t_test(n_episodes: int) -> None:
    scores = np.random.default_rng(n_episodes).uniform(size=n_episodes)

    theirs = stats.ttest_1samp(scores, 0.0).confidence_interval(0.95)

    ours = mean_interval(scores)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), rel=1e-12)
    assert ours.mean == pytest.approx(scores.mean())


def test_equal_scores_have_an_interval_without_width() -> None:
    assert mean_interval(np.full(5, 0.25)) == Interval(0.25, 0.25, 0.25)


def test_a_single_episode_says_nothing_of_the_spread() -> None:
    assert mean_interval(np.array([0.5])) == Interval(0.5, -math.inf, math.inf)


@pytest.mark.parametrize("shape", [(1, 0), (0, 0), (2, 0)])
def test_no_scores_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no scores; expected at least one episode"):
        seeds_interval(np.zeros(shape))


def test_one_seed_has_the_interval_over_episodes() -> None:
    scores = np.random.default_rng(0).uniform(size=(1, 40))

    assert seeds_interval(scores) == mean_interval(scores[0])


def test_the_bootstrap_gives_the_same_digits_at_every_call() -> None:
    scores = crossed(np.random.default_rng(1), 3, seed_sd=0.02)

    assert seeds_interval(scores) == seeds_interval(scores.copy())


def test_the_mean_is_that_of_all_scores() -> None:
    scores = crossed(np.random.default_rng(1), 3, seed_sd=0.5)

    assert seeds_interval(scores).mean == pytest.approx(scores.mean())


def test_identical_seeds_leave_the_bootstrap_over_episodes() -> None:
    episodes = np.random.default_rng(2).uniform(size=200)

    ours = seeds_interval(np.stack([episodes] * 3))

    theirs = stats.bootstrap((episodes,), np.mean, method="percentile", rng=np.random.default_rng(3))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * width)


def test_the_width_is_that_of_the_analysis_of_variance() -> None:
    scores = crossed(np.random.default_rng(4), 12, seed_sd=0.1)

    of_seeds = scores.mean(axis=1).var(ddof=1) / 12
    of_episodes = scores.mean(axis=0).var(ddof=1) / scores.shape[1]
    found = seeds_interval(scores)

    half = 1.96 * math.sqrt(of_seeds + of_episodes)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_where_seeds_differ_the_interval_is_wider_than_over_episodes() -> None:
    scores = crossed(np.random.default_rng(5), 3, seed_sd=0.5)

    by_seed, pooled = seeds_interval(scores), mean_interval(scores.mean(axis=0))

    assert by_seed.high - by_seed.low > 3 * (pooled.high - pooled.low)


@pytest.mark.parametrize(
    ("n_seeds", "seed_sd", "expected"), [(3, 0.0, 0.97), (3, 0.01, 0.96), (3, 0.1, 0.81), (10, 0.1, 0.93)]
)
def test_the_interval_covers_the_truth_as_often_as_it_says(
    n_seeds: int, seed_sd: float, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interval, "N_RESAMPLES", 300)

    assert coverage(n_seeds, seed_sd=seed_sd) == pytest.approx(expected, abs=0.06)
