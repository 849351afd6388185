"""Intervals over seeds and episodes, against other computations and what simulated experiments cover."""

import math
import tracemalloc

import numpy as np
import pytest
from scipy import stats

from metabench.scoring import seeds
from metabench.scoring.interval import mean_interval
from metabench.scoring.seeds import seeds_intervals, worst_of_seeds


def crossed(rng: np.random.Generator, n_seeds: int, *, seed_sd: float, n_episodes: int = 150) -> np.ndarray:
    """Scores with true mean 0: effects of seeds, of episodes, and of each cell."""
    of_seeds = rng.normal(0, seed_sd, (n_seeds, 1))
    of_episodes = rng.normal(0, 0.1, n_episodes)
    return of_seeds + of_episodes + rng.normal(0, 0.1, (n_seeds, n_episodes))


def student(scores: np.ndarray) -> float:
    """How much wider few seeds make an interval: by scipy's test of a mean, of two sums of variances."""
    parts = [scores.mean(axis=axis) for axis in (1, 0)]
    variances, freedom = [one.var(ddof=1) / len(one) for one in parts], [len(one) - 1 for one in parts]
    satterthwaite = sum(variances) ** 2 / sum(v**2 / f for v, f in zip(variances, freedom, strict=True))
    return float(stats.t.ppf(0.975, satterthwaite) / stats.norm.ppf(0.975))


def ends(interval: object) -> tuple[float, float, float]:
    return interval.mean, interval.low, interval.high


@pytest.mark.parametrize("shape", [(1, 0), (0, 0), (2, 0)])
def test_no_scores_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(ValueError, match="no scores; expected at least one episode"):
        seeds_intervals([np.zeros(shape)])


def test_no_methods_have_no_intervals() -> None:
    assert seeds_intervals([]) == []


def test_one_seed_has_the_interval_over_episodes() -> None:
    scores = np.random.default_rng(0).uniform(size=(1, 40))

    assert seeds_intervals([scores]) == [mean_interval(scores[0])]


def test_the_bootstrap_gives_the_same_digits_at_every_call() -> None:
    scores = crossed(np.random.default_rng(1), 3, seed_sd=0.02)

    assert seeds_intervals([scores]) == seeds_intervals([scores.copy()])


def test_a_method_has_the_interval_that_it_has_alone_whoever_else_is_on_the_board() -> None:
    rng = np.random.default_rng(1)
    board = [crossed(rng, n_seeds, seed_sd=0.02, n_episodes=n) for n_seeds in (3, 1, 2, 3) for n in (150, 40)]

    together = seeds_intervals(board)

    alone = [seeds_intervals([scores])[0] for scores in board]
    assert [ends(one) for one in together] == [pytest.approx(ends(one), rel=1e-9) for one in alone]


def test_the_mean_is_that_of_all_scores() -> None:
    scores = crossed(np.random.default_rng(1), 3, seed_sd=0.5)

    assert seeds_intervals([scores])[0].mean == pytest.approx(scores.mean())


def test_resampling_by_products_of_matrices_is_drawing_seeds_and_episodes() -> None:
    scores = crossed(np.random.default_rng(1), 3, seed_sd=0.05)
    from_mean = scores.mean(axis=1, keepdims=True) - scores.mean()
    widened = scores + (math.sqrt(3 / 2) - 1) * from_mean

    rng = np.random.default_rng(2)
    drawn = [widened[rng.integers(3, size=3)][:, rng.integers(150, size=150)].mean() for _ in range(20_000)]

    (found,) = seeds_intervals([scores])
    width = found.high - found.low
    reach = (np.quantile(drawn, [0.025, 0.975]) - scores.mean()) * student(scores)
    assert [found.low, found.high] == pytest.approx(scores.mean() + reach, abs=0.05 * width)


@pytest.mark.parametrize(
    ("by_seed", "low", "high"), [([0.0, 1.0], -0.5, 0.5), ([0.0, 0.0, 1.0], -1 / 3, 2 / 3)]
)
def test_distances_of_seeds_are_widened_by_the_root_of_k_over_k_minus_1(
    by_seed: list[float], low: float, high: float
) -> None:
    """Where episodes are alike, the percentiles are resamples of one seed: the lowest, or the highest."""
    scores = np.repeat(by_seed, 40).reshape(-1, 40)
    n_seeds, mean = len(by_seed), np.mean(by_seed)

    (found,) = seeds_intervals([scores])

    # Nothing but seeds varies, so that these have all the degrees of freedom.
    wider = math.sqrt(n_seeds / (n_seeds - 1)) * stats.t.ppf(0.975, n_seeds - 1) / stats.norm.ppf(0.975)
    assert ends(found) == pytest.approx((mean, mean + wider * low, mean + wider * high), rel=1e-9)


def test_identical_seeds_leave_the_bootstrap_over_episodes() -> None:
    episodes = np.random.default_rng(2).uniform(size=200)

    (ours,) = seeds_intervals([np.stack([episodes] * 3)])

    theirs = stats.bootstrap((episodes,), np.mean, method="percentile", rng=np.random.default_rng(3))
    width = theirs.confidence_interval.high - theirs.confidence_interval.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.08 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.08 * width)


def test_the_width_is_that_of_the_analysis_of_variance() -> None:
    scores = crossed(np.random.default_rng(4), 12, seed_sd=0.1)

    of_seeds = scores.mean(axis=1).var(ddof=1) / 12
    of_episodes = scores.mean(axis=0).var(ddof=1) / scores.shape[1]
    (found,) = seeds_intervals([scores])

    half = student(scores) * 1.96 * math.sqrt(of_seeds + of_episodes)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.1)


def test_where_seeds_differ_the_interval_is_wider_than_over_episodes() -> None:
    scores = crossed(np.random.default_rng(5), 3, seed_sd=0.5)

    (by_seed,), pooled = seeds_intervals([scores]), mean_interval(scores.mean(axis=0))

    assert by_seed.high - by_seed.low > 3 * (pooled.high - pooled.low)


@pytest.mark.parametrize(
    ("n_seeds", "seed_sd", "expected"),
    [(3, 0.0, 0.97), (3, 0.01, 0.97), (2, 0.1, 0.88), (3, 0.1, 0.93), (5, 0.1, 0.95), (10, 0.1, 0.955)],
)
def test_the_interval_covers_the_truth_as_often_as_it_says(
    n_seeds: int, seed_sd: float, expected: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seeds, "N_RESAMPLES", 500)
    rng = np.random.default_rng(7)

    found = seeds_intervals([crossed(rng, n_seeds, seed_sd=seed_sd) for _ in range(2000)])

    assert np.mean([one.low <= 0 <= one.high for one in found]) == pytest.approx(expected, abs=0.03)


def test_resamples_of_many_episodes_are_never_all_in_memory() -> None:
    scores = np.random.default_rng(8).uniform(size=(5, 20_000))

    tracemalloc.start()
    try:
        seeds_intervals([scores])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 250e6


def test_what_is_drawn_anew_is_what_was_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = crossed(np.random.default_rng(9), 3, seed_sd=0.05)
    kept = seeds_intervals([scores])

    monkeypatch.setattr(seeds, "_MOST_KEPT", 0)

    assert seeds_intervals([scores]) == kept


def test_the_worst_seed_is_the_lowest_or_the_highest_mean() -> None:
    scores = np.array([[0.5, 0.7], [0.9, 0.1], [0.8, 0.8]])

    assert worst_of_seeds(scores, higher_is_better=True) == pytest.approx(0.5)
    assert worst_of_seeds(scores, higher_is_better=False) == pytest.approx(0.8)
