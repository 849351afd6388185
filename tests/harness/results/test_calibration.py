"""Drift and speed: by hand, and whatever a stranger's record says."""

import pytest

from metabench.results.calibration import REFERENCE_S, STEADY, calibration_part, speed
from metabench.results.record import CalibrationPart


def times(factor, **changes):
    return {name: factor * seconds for name, seconds in REFERENCE_S.items()} | changes


def test_the_drift_is_the_largest_change_either_way():
    slower = calibration_part({"a": 1.0, "b": 2.0}, {"a": 1.1, "b": 2.5})
    faster = calibration_part({"a": 1.1, "b": 2.5}, {"a": 1.0, "b": 2.0})

    assert slower.drift == faster.drift == 0.25
    assert (slower.before_s, slower.after_s) == ({"a": 1.0, "b": 2.0}, {"a": 1.1, "b": 2.5})


@pytest.mark.parametrize(("change", "is_steady"), [(0.0, True), (0.9 * STEADY, True), (1.1 * STEADY, False)])
def test_a_machine_is_steady_up_to_a_threshold(change, is_steady):
    assert calibration_part({"a": 1.0}, {"a": 1.0 + change}).is_steady == is_steady


@pytest.mark.parametrize(("before", "after"), [(None, {"a": 1.0}), ({"a": 1.0}, None), (None, None)])
def test_what_was_not_measured_twice_tells_nothing(before, after):
    assert calibration_part(before, after) is None


@pytest.mark.parametrize(("factor", "expected"), [(1.0, 1.0), (0.5, 2.0), (4.0, 0.25)])
def test_speed_is_relative_to_the_reference_machine(factor, expected):
    assert speed(calibration_part(times(factor), times(factor))) == pytest.approx(expected, rel=1e-3)


def test_speed_is_the_geometric_mean_over_work_and_over_both_times():
    one_is_slow = times(1.0, gather=16 * REFERENCE_S["gather"])

    assert speed(calibration_part(one_is_slow, one_is_slow)) == pytest.approx(0.5, rel=1e-3)
    assert speed(calibration_part(times(1.0), times(4.0))) == pytest.approx(0.5, rel=1e-3)


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"other": 1.0},
        times(1.0, other=1.0),
        times(0.0),
    ],
)
def test_a_record_that_tells_of_other_work_or_of_no_times_has_no_speed(told):
    part = CalibrationPart(before_s=told, after_s=times(1.0), drift=0.0, is_steady=True)

    assert speed(part) is None
