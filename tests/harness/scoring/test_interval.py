"""Classical intervals, against scipy's own."""

import math

import numpy as np
import pytest
from scipy import stats

from metabench.scoring.interval import Interval, mean_interval, student_intervals


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


def test_no_scores_are_refused() -> None:
    with pytest.raises(ValueError, match="no scores; expected at least one episode"):
        mean_interval(np.zeros(0))


def test_each_mean_has_its_own_error_and_degrees_of_freedom() -> None:
    found = student_intervals(np.array([0.0, 1.0]), np.array([0.1, 0.2]), np.array([2.5, math.inf]))

    theirs = [stats.t.interval(0.95, 2.5, 0.0, 0.1), stats.norm.interval(0.95, 1.0, 0.2)]
    assert [(one.low, one.high) for one in found] == [pytest.approx(one, rel=1e-9) for one in theirs]
    assert [one.mean for one in found] == [0.0, 1.0]
