"""Paired tests, Holm's correction and rank intervals, against other ways to compute them."""

import warnings
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from metabench.scoring.compare import compare, holm, p_value_over_seeds, paired_p_value, rank_intervals

RNG = np.random.default_rng


def one_seed(scores: np.ndarray) -> list[np.ndarray]:
    return [row[None] for row in scores]


def closed_test(p_values: list[float]) -> list[float]:
    """Holm by its other definition: the closed test whose local tests are Bonferroni's."""
    everything = range(len(p_values))
    subsets = [set(c) for size in range(1, len(p_values) + 1) for c in combinations(everything, size)]
    local = [(subset, min(1.0, len(subset) * min(p_values[i] for i in subset))) for subset in subsets]
    return [max(p for subset, p in local if i in subset) for i in everything]


@settings(deadline=None)
@given(st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.02, 1.0])), min_size=1, max_size=6))
def test_holm_is_the_closed_test_with_bonferroni(p_values: list[float]) -> None:
    assert holm(np.array(p_values)).tolist() == pytest.approx(closed_test(p_values))


def test_holm_of_no_tests_is_empty() -> None:
    assert holm(np.array([])).shape == (0,)


def test_holm_keeps_claims_that_are_all_false_to_five_percent() -> None:
    p_values = RNG(0).uniform(size=(4000, 5))

    any_claim = np.mean([(holm(row) <= 0.05).any() for row in p_values])

    assert any_claim == pytest.approx(1 - (1 - 0.05 / 5) ** 5, abs=0.012)


def test_p_is_that_of_random_sign_flips() -> None:
    first, second = RNG(1).normal(0.02, 0.1, 80), RNG(2).normal(0.0, 0.1, 80)

    flips = stats.permutation_test(
        (first, second), lambda a, b: np.mean(a - b), permutation_type="samples", rng=RNG(3)
    )

    assert paired_p_value(first, second) == pytest.approx(flips.pvalue, abs=0.02)


def test_p_is_that_of_the_definition_of_t() -> None:
    first, second = RNG(1).normal(size=30), RNG(2).normal(size=30)
    differences = first - second

    t = differences.mean() / (differences.std(ddof=1) / np.sqrt(30))

    assert paired_p_value(first, second) == pytest.approx(2 * stats.t.sf(abs(t), 29), rel=1e-12)


def test_scores_that_go_up_and_down_together_are_told_apart_only_by_pairing() -> None:
    episodes = RNG(1).normal(size=50)
    first, second = episodes + 0.01 + RNG(2).normal(0, 0.01, 50), episodes

    assert paired_p_value(first, second) < 1e-4
    assert stats.ttest_ind(first, second).pvalue > 0.9


def test_no_difference_is_no_evidence() -> None:
    scores = RNG(1).uniform(size=10)

    assert paired_p_value(scores, scores.copy()) == 1.0


def test_a_single_episode_is_no_evidence() -> None:
    assert paired_p_value(np.array([1.0]), np.array([0.0])) == 1.0


@pytest.mark.parametrize("n_episodes", [2, 3, 10])
def test_constant_differences_have_the_p_of_their_signs(n_episodes: int) -> None:
    """Also where rounding makes them differ in the last digit."""
    second = np.arange(n_episodes) * 0.1
    signs = stats.binomtest(n_episodes, n_episodes, 0.5).pvalue

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert paired_p_value(second + 0.2, second) == pytest.approx(signs)


def test_tests_of_equal_methods_err_in_five_percent_of_experiments() -> None:
    rng = RNG(4)

    p_values = [paired_p_value(*rng.normal(size=(2, 20))) for _ in range(1000)]

    assert np.mean(np.array(p_values) <= 0.05) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize(("n_first", "n_second"), [(3, 4), (0, 0)])
def test_scores_that_do_not_pair_are_refused(n_first: int, n_second: int) -> None:
    with pytest.raises(ValueError, match="expected two of one length"):
        paired_p_value(np.zeros(n_first), np.zeros(n_second))


def test_a_comparison_tells_difference_interval_and_p() -> None:
    first, second = RNG(1).normal(size=30), RNG(2).normal(size=30)

    found = compare(first, second)

    theirs = stats.ttest_rel(first, second).confidence_interval(0.95)
    assert (found.difference.low, found.difference.high) == pytest.approx((theirs.low, theirs.high))
    assert found.difference.mean == pytest.approx((first - second).mean())
    assert found.n_episodes == 30


def test_methods_that_are_far_apart_have_one_place_each() -> None:
    scores = np.array([[0.2], [0.9], [0.5]]) + RNG(0).normal(0, 0.02, (3, 50))

    assert rank_intervals(one_seed(scores), higher_is_better=True) == [(3, 3), (1, 1), (2, 2)]
    assert rank_intervals(one_seed(scores), higher_is_better=False) == [(1, 1), (3, 3), (2, 2)]


def test_equal_methods_share_all_places() -> None:
    scores = RNG(0).normal(size=(4, 50))

    assert rank_intervals(one_seed(scores), higher_is_better=True) == [(1, 4)] * 4


def test_a_method_between_two_that_differ_overlaps_both() -> None:
    noise = np.tile([1.0, -1.0], 50)
    scores = np.array([np.zeros(100), 0.15 + noise, np.full(100, 0.3) + 0.3 * np.roll(noise, 1)])

    assert rank_intervals(one_seed(scores), higher_is_better=True) == [(2, 3), (1, 3), (1, 2)]


@pytest.mark.parametrize(("n_methods", "expected"), [(0, []), (1, [(1, 1)])])
def test_without_a_rival_there_is_nothing_to_compare(n_methods: int, expected: list[tuple[int, int]]) -> None:
    assert rank_intervals(one_seed(np.zeros((n_methods, 5))), higher_is_better=True) == expected


def test_the_correction_counts_all_pairs_of_the_board() -> None:
    """A difference that is significant between two methods alone need not be so among twenty."""
    second = RNG(1).normal(size=40)
    differences = RNG(2).normal(size=40)
    differences += 0.4 * differences.std() - differences.mean()
    pair = np.stack([second + differences, second])
    crowd = np.stack([*pair, *RNG(3).normal(differences.mean() / 2, 1, (18, 40))])

    assert rank_intervals(one_seed(pair), higher_is_better=True) == [(1, 1), (2, 2)]
    assert rank_intervals(one_seed(crowd), higher_is_better=True)[:2] == [(1, 20), (1, 20)]


def seeds_of(rng: np.random.Generator, n_seeds: int, spread: float, mean: float = 0.0) -> np.ndarray:
    """Scores on 200 episodes, which all methods find equally hard, of seeds that differ."""
    hardness = RNG(99).normal(0, 0.1, 200)
    return mean + hardness + rng.normal(0, spread, (n_seeds, 1)) + rng.normal(0, 0.05, (n_seeds, 200))


def test_with_one_seed_each_p_is_that_of_the_paired_test() -> None:
    first, second = seeds_of(RNG(1), 1, 0.0), seeds_of(RNG(2), 1, 0.0)

    assert p_value_over_seeds(first, second) == paired_p_value(first[0], second[0])


def test_where_seeds_are_all_that_differs_p_is_that_of_welch() -> None:
    first, second = (np.repeat(RNG(seed).normal(size=(4, 1)), 200, axis=1) for seed in (1, 2))

    welch = stats.ttest_ind(first[:, 0], second[:, 0], equal_var=False).pvalue

    assert p_value_over_seeds(first, second) == pytest.approx(welch, rel=1e-9)


@pytest.mark.parametrize(("n_first", "n_second"), [(3, 3), (5, 2), (2, 2)])
def test_equal_methods_are_told_apart_in_at_most_five_percent_of_draws_of_seeds(
    n_first: int, n_second: int
) -> None:
    rng = RNG(0)

    errors = np.mean(
        [
            p_value_over_seeds(seeds_of(rng, n_first, 0.05), seeds_of(rng, n_second, 0.05)) <= 0.05
            for _ in range(2000)
        ]
    )

    assert errors < 0.065


def test_methods_whose_seeds_agree_are_told_apart() -> None:
    rng = RNG(0)
    first, second = seeds_of(rng, 3, 0.005, mean=0.1), seeds_of(rng, 3, 0.005)

    assert rank_intervals([first, second], higher_is_better=True) == [(1, 1), (2, 2)]


def test_methods_whose_seeds_overlap_share_their_places() -> None:
    first, second = (
        np.array(means)[:, None] + RNG(0).normal(0, 0.05, 200) for means in ([0.71, 0.57], [0.59, 0.57])
    )

    assert rank_intervals([first, second], higher_is_better=True) == [(1, 2), (1, 2)]
