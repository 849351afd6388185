"""Budgets: names and amounts, and names that tell amounts exactly."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.errors import UsageError
from metabench.spec.budget import NAMED_BUDGETS, Budget, parse_budget


@pytest.mark.parametrize(
    ("text", "name", "seconds"),
    [
        ("90s", "90s", 90.0),
        ("1.5s", "1.5s", 1.5),
        ("10m", "600s", 600.0),
        ("0.1m", "6s", 6.0),
        ("2h", "7200s", 7200.0),
        ("4.35m", "261s", 261.0),
        ("1234567s", "1234567s", 1234567.0),
        ("0.001s", "0.001s", 0.001),
    ],
)
def test_reads_an_amount_of_time(text: str, name: str, seconds: float) -> None:
    assert parse_budget(text) == Budget(name, seconds=seconds)


@pytest.mark.parametrize("text", ["2000ep", "2000.0ep", "02000ep"])
def test_reads_a_number_of_episodes(text: str) -> None:
    assert parse_budget(text) == Budget("2000ep", episodes=2000)


def test_finds_a_budget_by_name() -> None:
    assert [parse_budget(name).name for name in NAMED_BUDGETS] == ["smoke", "small", "standard", "large"]
    assert parse_budget("small") is NAMED_BUDGETS["small"]


def test_larger_budgets_allow_more_of_everything() -> None:
    budgets = list(NAMED_BUDGETS.values())

    for smaller, larger in pairwise(budgets):
        assert smaller.ceiling_s < larger.ceiling_s
        assert smaller.memory_mib < larger.memory_mib
        assert smaller.device_memory_mib < larger.device_memory_mib
        assert smaller.adaptation_s < larger.adaptation_s


@pytest.mark.parametrize("text", ["", "6 0", "s", "-5s", "1e3s", "5 m", "5s\n", "10min", "inf", "nans"])
def test_anything_else_is_an_unknown_budget(text: str) -> None:
    with pytest.raises(UsageError, match=r"Unknown budget .*Available: 10m, 2000ep, 2h, 60s, large, small"):
        parse_budget(text)


@pytest.mark.parametrize("text", ["20", "1.5"])
def test_a_number_alone_is_asked_for_its_unit(text: str) -> None:
    with pytest.raises(
        UsageError, match=r"^Budget '.*' has no unit; expected s, m, h or ep behind the number"
    ):
        parse_budget(text)


def test_a_misspelt_name_gets_a_guess() -> None:
    with pytest.raises(UsageError, match="Did you mean 'standard'"):
        parse_budget("standart")


@pytest.mark.parametrize(
    "text", ["0s", "0ep", "0.0h", "0.0001s", "1.5ep", "9999999999s", "9" * 400 + "h", "9" * 400 + "ep"]
)
def test_refuses_an_amount_of_nothing_or_beyond_reason(text: str) -> None:
    with pytest.raises(
        UsageError, match="is no amount; expected at least a millisecond, or a whole number of"
    ):
        parse_budget(text)


def test_a_budget_in_seconds_ends_there() -> None:
    assert parse_budget("90s").ceiling_s == 90.0


@pytest.mark.parametrize(("text", "ceiling_s"), [("1ep", 600.0), ("60ep", 600.0), ("2000ep", 20000.0)])
def test_a_budget_in_episodes_has_a_ceiling_too(text: str, ceiling_s: float) -> None:
    assert parse_budget(text).ceiling_s == ceiling_s


@given(st.from_regex(r"[0-9]{1,9}(\.[0-9]{1,6})?(s|m|h|ep)", fullmatch=True))
def test_the_name_of_an_amount_reads_back(text: str) -> None:
    try:
        budget = parse_budget(text)
    except UsageError:
        return
    assert parse_budget(budget.name) == budget
