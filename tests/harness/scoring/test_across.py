"""Average ranks and profiles, against the worked example of Demšar (2006) and formulas written out."""

import math

import numpy as np
import pytest
from scipy import stats

from metabench.scoring.across import average_ranks, performance_profile

NAN = math.nan
# Demšar (2006), Table 6: ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = np.array(
    [
        [4, 1, 4, 4, 4, 1, 3, 2.5, 4, 2.5, 4, 3, 4, 3],
        [3, 2, 1, 1, 2, 2.5, 2, 2.5, 3, 2.5, 2.5, 2, 1, 1],
        [2, 3, 2, 3, 3, 4, 4, 4, 2, 2.5, 1, 4, 2, 4],
        [1, 4, 3, 2, 1, 2.5, 1, 1, 1, 2.5, 2.5, 1, 3, 2],
    ]
)


def test_the_example_of_demsar_has_the_ranks_and_the_critical_difference_of_the_paper() -> None:
    found = average_ranks(-DEMSAR)

    assert found.ranks == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert found.critical_difference == pytest.approx(1.25, abs=5e-3)
    assert found.coverage.tolist() == [1.0] * 4
    assert found.benchmarks == tuple(range(14))


def test_the_example_of_demsar_has_the_friedman_statistic_of_the_paper() -> None:
    """The paper's 9.28 is without the correction for ties, of which there are a quadruple and three pairs."""
    ties = 1 - ((4**3 - 4) + 3 * (2**3 - 2)) / (14 * (4**3 - 4))

    assert average_ranks(-DEMSAR).p_value == pytest.approx(stats.chi2.sf(9.28 / ties, 3), rel=5e-3)


def test_in_the_example_of_demsar_no_two_are_told_apart() -> None:
    """3.143 − 1.964 is less than 1.25."""
    assert average_ranks(-DEMSAR).groups == ((3, 1, 2, 0),)


@pytest.mark.parametrize(
    ("n_methods", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031), (10, 3.164)],
)
def test_critical_values_are_those_of_demsars_table(n_methods: int, q: float) -> None:
    found = average_ranks(np.random.default_rng(0).uniform(size=(n_methods, 6)))

    assert found.critical_difference == pytest.approx(
        q * math.sqrt(n_methods * (n_methods + 1) / 36), abs=2e-3
    )


def test_friedmans_p_is_that_of_its_formula() -> None:
    scores = np.random.default_rng(0).uniform(size=(5, 9))

    found = average_ranks(scores)

    ranks = np.array([[sum(column >= one) for one in column] for column in scores.T])
    statistic = 12 / (9 * 5 * 6) * (ranks.sum(axis=0) ** 2).sum() - 3 * 9 * 6
    assert found.ranks == pytest.approx(ranks.mean(axis=0))
    assert found.p_value == pytest.approx(stats.chi2.sf(statistic, 4), rel=1e-9)


def test_groups_are_runs_of_average_ranks_within_the_critical_difference() -> None:
    """Over 20 benchmarks the ranks of five methods are 1 … 5; the critical difference is 1.36."""
    scores = np.repeat([[5.0], [4.0], [3.0], [2.0], [1.0]], 20, axis=1)

    found = average_ranks(scores)

    assert found.critical_difference == pytest.approx(2.728 * math.sqrt(30 / 120), abs=1e-3)
    assert found.groups == ((0, 1), (1, 2), (2, 3), (3, 4))


def test_unless_friedmans_test_sees_a_difference_none_are_told_apart() -> None:
    """Two average ranks differ by more than the critical difference, which alone is no proof."""
    found = average_ranks(np.random.default_rng(165).uniform(size=(4, 8)))

    assert np.ptp(found.ranks) >= found.critical_difference
    assert found.p_value > 0.05
    assert len(found.groups) == 1


def test_equal_methods_are_told_apart_in_at_most_five_percent_of_experiments() -> None:
    rng = np.random.default_rng(0)

    errors = [len(average_ranks(rng.uniform(size=(5, 10))).groups) > 1 for _ in range(300)]

    assert np.mean(errors) <= 0.06


def test_each_benchmark_has_its_own_direction() -> None:
    scores = np.array([[0.9, 0.1, 0.8], [0.5, 0.7, 0.3]])

    assert average_ranks(scores, higher_is_better=np.array([True, False, True])).ranks.tolist() == [1.0, 2.0]
    assert average_ranks(scores, higher_is_better=False).ranks == pytest.approx([5 / 3, 4 / 3])


def test_methods_that_lack_a_score_are_not_ranked_and_change_no_rank() -> None:
    complete = np.random.default_rng(0).uniform(size=(3, 8))
    with_gap = np.insert(complete, 1, [0.99] * 6 + [NAN] * 2, axis=0)

    found, without = average_ranks(with_gap), average_ranks(complete)

    assert found.ranks[[0, 2, 3]].tolist() == without.ranks.tolist()
    assert math.isnan(found.ranks[1])
    assert found.coverage.tolist() == [1.0, 0.75, 1.0, 1.0]
    assert (found.p_value, found.critical_difference) == (without.p_value, without.critical_difference)
    assert all(1 not in group for group in found.groups)


def test_a_benchmark_that_few_have_tried_costs_nobody_the_rank() -> None:
    tried = np.random.default_rng(0).uniform(size=(4, 3))
    rarely = np.insert(tried, 1, [NAN, 0.5, NAN, NAN], axis=1)

    found, without = average_ranks(rarely), average_ranks(tried)

    assert found.benchmarks == (0, 2, 3)
    assert found.ranks.tolist() == without.ranks.tolist()
    assert found.critical_difference == without.critical_difference
    assert found.coverage.tolist() == [0.75, 1.0, 0.75, 0.75]


def test_a_method_that_lacks_scores_costs_no_benchmark() -> None:
    """Four methods on two benchmarks are no more than two on four, which tell more."""
    scores = np.random.default_rng(0).uniform(size=(4, 4))
    scores[2:, 2:] = NAN

    assert average_ranks(scores).benchmarks == (0, 1, 2, 3)


def test_a_method_alone_costs_the_others_no_rank() -> None:
    """One method on 12 benchmarks is as many scores as six methods on 2, but is compared with none."""
    scores = np.random.default_rng(0).uniform(size=(6, 12))
    scores[1:, 2:] = NAN

    found = average_ranks(scores)

    assert found.benchmarks == (0, 1)
    assert np.isfinite(found.ranks).all()
    assert found.critical_difference is not None


def test_methods_that_share_benchmarks_are_ranked_also_where_others_have_more_scores() -> None:
    """The first two share the last three benchmarks; of those with the most scores, nobody has two."""
    scores = np.full((8, 5), NAN)
    scores[:2, 2:] = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6]]
    scores[2:5, 0] = scores[5:, 1] = 0.5

    found = average_ranks(scores)

    assert found.benchmarks == (2, 3, 4)
    assert found.ranks[:2].tolist() == [2.0, 1.0]
    assert np.isnan(found.ranks[2:]).all()


def test_ranks_on_a_single_benchmark_are_no_average() -> None:
    scores = np.array([[0.9, NAN, NAN], [0.8, NAN, 0.1], [0.7, 0.3, NAN]])

    found = average_ranks(scores)

    assert len(found.benchmarks) == 2
    assert np.isfinite(found.ranks).sum() == 1


def test_means_that_differ_by_rounding_share_their_rank() -> None:
    scores = np.array([[0.1 + 0.2] * 3, [0.3] * 3])

    assert average_ranks(scores).ranks.tolist() == [1.5, 1.5]


def test_methods_that_tie_everywhere_do_not_differ() -> None:
    found = average_ranks(np.full((3, 4), 0.5))

    assert found.p_value == 1.0
    assert found.groups == ((0, 1, 2),)


@pytest.mark.parametrize(("n_methods", "groups"), [(0, ()), (1, ((0,),))])
def test_without_a_rival_there_is_nothing_to_tell_apart(n_methods: int, groups: tuple) -> None:
    found = average_ranks(np.ones((n_methods, 3)))

    assert (found.p_value, found.critical_difference, found.groups) == (None, None, groups)


def test_two_methods_are_told_apart_without_friedmans_test() -> None:
    found = average_ranks(np.repeat([[0.4], [0.6]], 5, axis=1))

    assert found.p_value is None
    assert found.groups == ((1,), (0,))


def test_a_profile_tells_on_which_part_of_benchmarks_a_score_is_reached() -> None:
    scores = np.array([[0.2, 0.6, 0.6, 0.9], [0.5, 0.5, 0.5, 0.5]])

    found = performance_profile(scores, np.array([0.0, 0.5, 0.6, 0.9, 1.0]))

    assert found.tolist() == [[1.0, 0.75, 0.75, 0.25, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0]]


def test_a_gap_in_the_scores_is_seen_in_the_profile_at_every_threshold() -> None:
    found = performance_profile(np.array([[NAN, 0.8]]), np.array([-1.0, 0.0, 0.8, 0.9]))

    assert found.tolist() == [[0.5, 0.5, 0.5, 0.0]]
