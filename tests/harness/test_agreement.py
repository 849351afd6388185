"""What a difference between logits is, against a computation by hand."""

import numpy as np
import pytest

from metabench.agreement import difference, same_scores, threshold


@pytest.mark.parametrize(("floor", "limit"), [(0.0, 1e-3), (5e-5, 1e-3), (5e-4, 5e-3), (1.0, 1e-2)])
def test_a_noise_floor_is_believed_up_to_ten_times_rounding(floor, limit):
    assert threshold(floor, "fp32") == pytest.approx(limit)


def test_a_difference_is_relative_to_the_median_deviation():
    # Median 0, absolute deviations 1, 1, 0, 2, 2, whose median 1 is 0.6745 standard deviations.
    logits = np.array([-1, 1, 0, 2, -2], np.float32)
    assert difference(logits + np.float32([0, 0, 0.5, 0, 0]), logits) == pytest.approx(0.5 * 0.6745)


def test_a_huge_logit_differs_relative_to_itself_and_hides_no_other():
    logits = np.array([-1, 1, 0, 2, 1e6], np.float32)
    huge, small = logits.copy(), logits.copy()
    huge[4] += 1e4
    small[0] += 0.5
    assert difference(huge, logits) == pytest.approx(0.01, rel=1e-3)
    assert difference(small, logits) > 0.2


def test_logits_that_are_all_the_same_differ_wholly_or_not_at_all():
    flat = np.zeros(4, np.float32)
    assert difference(flat, flat) == 0
    assert difference(flat + np.float32(1e-9), flat) == 1


def test_scores_are_the_same_up_to_rounding_and_of_one_shape():
    scores = np.array([0.0, 0.5, 3.2, np.nan])
    assert same_scores(scores, np.nextafter(scores, 9))
    assert not same_scores(scores, scores + 1e-7)
    assert not same_scores(scores, scores[:3])
    assert not same_scores([0.5], [np.nan])
