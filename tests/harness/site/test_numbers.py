"""Numbers in cells: short, whatever they are."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.site.numbers import number, order


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, "–"),
        (0, "0"),
        (5, "5"),
        (112_000, "112,000"),
        (1234.56, "1,235"),
        (295.73, "296"),
        (0.09, "0.09"),
        (0.000123456, "0.000123"),
        (3.1e9, "3.10e+09"),
        (2**62, "4.61e+18"),
        (-4709.5, "-4,710"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_a_number_is_told_in_few_digits(value: float | None, told: str) -> None:
    assert number(value) == told


def test_a_number_that_is_known_has_its_unit() -> None:
    assert (number(8192, "MiB"), number(None, "MiB")) == ("8,192 MiB", "–")


@given(st.none() | st.floats() | st.integers(-(2**63), 2**63))
def test_every_number_is_short_and_sorts(value: float | None) -> None:
    assert len(number(value)) <= 12
    assert math.isfinite(order(value))


def test_what_is_missing_sorts_before_all_else() -> None:
    values = [3.0, None, -math.inf, math.inf, math.nan, -5.0]
    assert sorted(values, key=order)[-3:] == [-5.0, 3.0, math.inf]
    assert sorted(map(order, values))[0] == order(None) == order(math.nan)
