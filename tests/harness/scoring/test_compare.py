"""Holm's correction, rank intervals and ties, against other ways to compute them."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metabench.scoring.compare import compare, compare_all, holm
from metabench.scoring.paired import paired_p_values

RNG = np.random.default_rng


def one_seed(scores: np.ndarray) -> list[np.ndarray]:
    return [row[None] for row in scores]


def rank_intervals(scores: list[np.ndarray], *, higher_is_better: bool) -> list[tuple[int, int]]:
    return compare_all(scores, higher_is_better=higher_is_better).rank_intervals


def closed_test(p_values: list[float]) -> list[float]:
    """Holm by its other definition: the closed test whose local tests are Bonferroni's."""
    everything = range(len(p_values))
    subsets = [set(c) for size in range(1, len(p_values) + 1) for c in combinations(everything, size)]
    local = [(subset, min(1.0, len(subset) * min(p_values[i] for i in subset))) for subset in subsets]
    return [max(p for subset, p in local if i in subset) for i in everything]


@given(st.lists(st.one_of(st.floats(0, 1), st.sampled_from([0.0, 0.01, 0.02, 1.0])), min_size=1, max_size=6))
def test_holm_is_the_closed_test_with_bonferroni(p_values: list[float]) -> None:
    assert holm(np.array(p_values)).tolist() == pytest.approx(closed_test(p_values))


def test_holm_of_no_tests_is_empty() -> None:
    assert holm(np.array([])).shape == (0,)


def test_holm_keeps_claims_that_are_all_false_to_five_percent() -> None:
    p_values = RNG(0).uniform(size=(4000, 5))

    any_claim = np.mean([(holm(row) <= 0.05).any() for row in p_values])

    assert any_claim == pytest.approx(1 - (1 - 0.05 / 5) ** 5, abs=0.012)


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


def test_methods_whose_seeds_agree_are_told_apart() -> None:
    rng = RNG(0)
    first, second = seeds_of(rng, 3, 0.005, mean=0.1), seeds_of(rng, 3, 0.005)

    assert rank_intervals([first, second], higher_is_better=True) == [(1, 1), (2, 2)]


def test_methods_whose_seeds_overlap_share_their_places() -> None:
    first, second = (
        np.array(means)[:, None] + RNG(0).normal(0, 0.05, 200) for means in ([0.71, 0.57], [0.59, 0.57])
    )

    assert rank_intervals([first, second], higher_is_better=True) == [(1, 2), (1, 2)]


@pytest.mark.parametrize("higher_is_better", [True, False])
def test_all_that_is_told_of_a_board_fits_together(higher_is_better: bool) -> None:
    scores = RNG(0).normal(0, 0.1, 60) + RNG(1).normal(0, 0.05, (7, 60)) + RNG(2).normal(0, 0.02, (7, 1))

    found = compare_all(one_seed(scores), higher_is_better=higher_is_better)

    adjusted = holm(paired_p_values(one_seed(scores)))
    assert found.p_values[np.triu_indices(7, 1)].tolist() == adjusted.tolist()
    assert found.p_values.tolist() == found.p_values.T.tolist()
    assert np.diag(found.p_values).tolist() == [1.0] * 7
    assert found.differences[2, 5] == pytest.approx(np.mean(scores[2] - scores[5]))
    for one, other in combinations(range(7), 2):
        ahead = (scores[one].mean() > scores[other].mean()) == higher_is_better
        differ = found.p_values[one, other] <= 0.05
        assert (found.better[one, other], found.better[other, one]) == (
            differ and ahead,
            differ and not ahead,
        )
        together = any(one in group and other in group for group in found.tie_groups)
        assert together != differ
    assert 0 < found.better.sum() < 21


def test_groups_of_ties_begin_with_the_best() -> None:
    scores = np.array([[0.2], [0.9], [0.2]]) + RNG(0).normal(0, 0.02, (3, 50))
    worse, better = sorted((0, 2), key=lambda method: scores[method].mean())

    assert compare_all(one_seed(scores), higher_is_better=True).tie_groups == [(1,), (better, worse)]
    assert compare_all(one_seed(scores), higher_is_better=False).tie_groups == [(worse, better), (1,)]
