"""Tests of every two methods, against scipy's, the definitions and simulated experiments."""

import numpy as np
import pytest
from scipy import stats

from metabench.scoring import paired
from metabench.scoring.paired import paired_p_values

RNG = np.random.default_rng


def p_of(first: np.ndarray, second: np.ndarray) -> float:
    """Of two methods, each with one seed or, as rows, with several."""
    (p_value,) = paired_p_values([np.atleast_2d(first), np.atleast_2d(second)])
    return float(p_value)


def p_of_every_two(rows: np.ndarray) -> np.ndarray:
    first, second = np.triu_indices(len(rows), 1)
    return np.array([stats.ttest_rel(rows[i], rows[j]).pvalue for i, j in zip(first, second, strict=True)])


def larger_p(first: np.ndarray, second: np.ndarray) -> float:
    """The larger p of both tests over seeds and episodes, one step after the other."""
    differences = first.mean(axis=0) - second.mean(axis=0)
    of_episodes = differences.var(ddof=1) / differences.size, differences.size - 1
    by_seed = [scores.mean(axis=1) for scores in (first, second) if len(scores) > 1]

    parts = [of_episodes, *((means.var(ddof=1) / means.size, means.size - 1) for means in by_seed)]
    total = sum(variance for variance, _ in parts)
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts)
    welch = 2 * stats.t.sf(abs(differences.mean()) / np.sqrt(total), freedom)

    freedom = sum(means.size - 1 for means in by_seed)
    spread = sum(((means - means.mean()) ** 2).sum() for means in by_seed) / freedom
    of_seeds = spread * sum(1 / means.size for means in by_seed), freedom
    total = of_seeds[0] + of_episodes[0]
    t = abs(differences.mean()) / np.sqrt(total)
    cochran = sum(
        variance / total * 2 * stats.t.sf(t, degrees) for variance, degrees in (of_seeds, of_episodes)
    )
    return float(max(welch, cochran))


def seeds_of(rng: np.random.Generator, n_seeds: int, spread: float, mean: float = 0.0) -> np.ndarray:
    """Scores on 200 episodes, which all methods find equally hard, of seeds that differ."""
    hardness = RNG(99).normal(0, 0.1, 200)
    return mean + hardness + rng.normal(0, spread, (n_seeds, 1)) + rng.normal(0, 0.05, (n_seeds, 200))


def test_methods_of_one_seed_have_scipys_paired_t_test() -> None:
    rng = RNG(0)
    rows = rng.uniform(0, 0.03, (12, 1)) + rng.normal(0.6, 0.1, 80) + rng.normal(0, 0.05, (12, 80))

    found = paired_p_values([row[None] for row in rows])

    assert found == pytest.approx(p_of_every_two(rows), rel=1e-9)
    assert found.min() < 1e-3
    assert found.max() > 0.5


@pytest.mark.parametrize("shift", [0.0, 1e3])
@pytest.mark.parametrize("noise", [1e-2, 1e-4, 1e-6])
def test_methods_that_hardly_differ_lose_no_digits(noise: float, shift: float) -> None:
    rng = RNG(1)
    rows = (
        shift + rng.normal(0, 0.1, 60) + rng.normal(0, 10 * noise, (6, 1)) / 8 + rng.normal(0, noise, (6, 60))
    )

    found = paired_p_values([row[None] for row in rows])

    smallest = 1e-15 * max(shift, 1) / noise
    assert found == pytest.approx(p_of_every_two(rows), rel=1e-8 + 1e4 * smallest)


def test_differences_are_taken_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = RNG(2)
    rows = rng.normal(0, 0.1, 60) + rng.normal(0, 1e-6, (7, 60))
    at_once = paired_p_values([row[None] for row in rows])

    monkeypatch.setattr(paired, "_BLOCK", 4)

    assert paired_p_values([row[None] for row in rows]).tolist() == at_once.tolist()


def test_p_is_that_of_random_sign_flips() -> None:
    first, second = RNG(1).normal(0.02, 0.1, 80), RNG(2).normal(0.0, 0.1, 80)

    flips = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", rng=RNG(3)
    )

    assert p_of(first, second) == pytest.approx(flips.pvalue, abs=0.02)


def test_scores_that_go_up_and_down_together_are_told_apart_only_by_pairing() -> None:
    episodes = RNG(1).normal(size=50)
    first, second = episodes + 0.01 + RNG(2).normal(0, 0.01, 50), episodes

    assert p_of(first, second) < 1e-4
    assert stats.ttest_ind(first, second).pvalue > 0.9


def test_no_difference_is_no_evidence() -> None:
    scores = RNG(1).uniform(size=10)

    assert p_of(scores, scores.copy()) == 1.0


def test_a_single_episode_is_no_evidence() -> None:
    assert p_of(np.array([1.0]), np.array([0.0])) == 1.0


@pytest.mark.parametrize("n_episodes", [2, 3, 10])
@pytest.mark.parametrize("n_seeds", [1, 3])
def test_constant_differences_have_the_p_of_their_signs(n_episodes: int, n_seeds: int) -> None:
    """Also where rounding makes them, or seeds that are the same, differ in the last digit."""
    second = np.tile(np.arange(n_episodes) * 0.1, (n_seeds, 1))
    signs = stats.binomtest(n_episodes, n_episodes, 0.5).pvalue

    assert p_of(second + 0.2, second) == pytest.approx(signs)
    assert p_of(second[:1] + 0.2, second) == pytest.approx(signs)


def test_tests_of_equal_methods_err_in_five_percent_of_experiments() -> None:
    rng = RNG(4)

    p_values = [p_of(*rng.normal(size=(2, 20))) for _ in range(1000)]

    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(("n_first", "n_second"), [(3, 4), (0, 0)])
def test_scores_that_do_not_pair_are_refused(n_first: int, n_second: int) -> None:
    with pytest.raises(ValueError, match="expected the same episodes for all"):
        p_of(np.zeros(n_first), np.zeros(n_second))


def test_a_method_without_seeds_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the same episodes for all"):
        paired_p_values([np.zeros((1, 3)), np.zeros((0, 3))])


@pytest.mark.parametrize("n_methods", [0, 1])
def test_without_a_rival_there_is_nothing_to_test(n_methods: int) -> None:
    assert paired_p_values([np.zeros((1, 3))] * n_methods).shape == (0,)


def test_methods_of_several_seeds_have_the_larger_p_of_both_tests() -> None:
    rng = RNG(0)
    scores = [
        seeds_of(rng, n_seeds, 0.02, mean) for n_seeds, mean in [(3, 0.0), (1, 0.02), (5, 0.04), (2, 0.1)]
    ]

    first, second = np.triu_indices(4, 1)
    theirs = [larger_p(scores[i], scores[j]) for i, j in zip(first, second, strict=True)]

    assert paired_p_values(scores) == pytest.approx(theirs, rel=1e-9)


def test_where_seeds_are_all_that_differs_p_is_that_of_welch() -> None:
    first, second = (np.repeat(RNG(seed).normal(size=(4, 1)), 200, axis=1) for seed in (1, 2))

    welch = stats.ttest_ind(first[:, 0], second[:, 0], equal_var=False).pvalue

    assert p_of(first, second) == pytest.approx(welch, rel=1e-9)


def test_seeds_alone_tell_where_there_is_one_episode() -> None:
    first, second = RNG(1).normal(size=(4, 1)), RNG(2).normal(size=(3, 1))

    theirs = [stats.ttest_ind(first[:, 0], second[:, 0], equal_var=equal).pvalue for equal in (True, False)]

    assert p_of(first, second) == pytest.approx(max(theirs), rel=1e-9)


@pytest.mark.parametrize(("n_first", "n_second"), [(2, 2), (3, 3), (5, 2), (10, 2)])
@pytest.mark.parametrize("spread", [0.0, 0.005, 0.05])
def test_copies_of_a_method_under_other_seeds_are_tied_in_95_of_100_experiments(
    n_first: int, n_second: int, spread: float
) -> None:
    rng = RNG(0)
    hardness, n_experiments = rng.normal(0, 0.1, 200), 1000

    def copies(n_seeds: int) -> np.ndarray:
        cells = rng.normal(0, 0.05, (n_experiments, n_seeds, 200))
        return hardness + rng.normal(0, spread, (n_experiments, n_seeds, 1)) + cells

    p_values = [p_of(*both) for both in zip(copies(n_first), copies(n_second), strict=True)]

    assert np.mean(np.array(p_values) > 0.05) >= 0.95
