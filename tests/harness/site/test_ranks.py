"""The critical-difference diagram: places on an axis that agree with the average ranks."""

from __future__ import annotations

import pytest

from metabench.leaderboards.summary import summarise
from metabench.leaderboards.text import letter
from metabench.site import ranks as module
from metabench.site.ranks import ranks_of


@pytest.fixture
def summary(board, row):
    """Sums up so many benchmarks, on each of which methods are placed alike."""

    def of(n_methods: int, n_boards: int):
        rows = [row(f"m{place:02}", 0.9 - 0.01 * place) for place in range(n_methods)]
        (one,) = summarise([board(f"{number:02}-5w1s", *rows) for number in range(n_boards)])
        return one

    return of


def test_places_are_ranks_from_1_to_the_number_of_methods(summary) -> None:
    told = ranks_of(summary(5, 9), 50)
    assert [(one.text, one.at) for one in told.methods] == [
        ("m00", 0.0),
        ("m01", 25.0),
        ("m02", 50.0),
        ("m03", 75.0),
        ("m04", 100.0),
    ]
    assert [(one.text, one.at) for one in told.ticks] == [
        ("1", 0.0),
        ("2", 25.0),
        ("3", 50.0),
        ("4", 75.0),
        ("5", 100.0),
    ]


def test_the_critical_difference_is_drawn_to_scale(summary) -> None:
    # Demšar 2006, table 5: q is 2.728 for 5 methods; q √(5 · 6 / (6 · 9)) = 2.033, of an axis 4 ranks long.
    told = ranks_of(summary(5, 9), 50)
    assert told.critical.text == "2.03"
    assert (told.critical.start, told.critical.end) == (0.0, pytest.approx(100 * 2.033 / 4, abs=0.05))


def test_a_critical_difference_beyond_the_axis_ends_with_it(summary) -> None:
    assert ranks_of(summary(5, 2), 50).critical.end == 100.0


def test_bars_join_just_those_that_cannot_be_told_apart(summary) -> None:
    one = summary(5, 9)
    told = ranks_of(one, 50)
    assert [(bar.text, bar.start, bar.end) for bar in told.groups] == [
        ("a", 0.0, 50.0),
        ("b", 25.0, 75.0),
        ("c", 50.0, 100.0),
    ]
    assert len(told.groups) == len(one.ranked.groups)


def test_a_method_that_differs_from_all_has_a_letter_and_no_bar(board, row) -> None:
    rows = [row("first", 0.9), *(row(f"m{place}", 0.5) for place in range(3))]
    (one,) = summarise([board(f"{number:02}-5w1s", *rows) for number in range(40)])
    assert [bar.text for bar in ranks_of(one, 50).groups] == ["b"]
    assert one.ranked.groups[0] == (0,)


def test_where_fewer_than_two_are_ranked_nothing_is_drawn(board, row) -> None:
    (one,) = summarise([board("a-5w1s", row("one", 0.9)), board("b-5w1s", row("two", 0.9))])
    assert ranks_of(one, 50) is None


def test_methods_without_a_rank_are_not_drawn(board, row) -> None:
    boards = [board(name, row("one", 0.9), row("two", 0.8)) for name in ("a-5w1s", "b-5w1s")]
    boards[0] = board("a-5w1s", *boards[0].rows, row("part", 0.99))
    (one,) = summarise(boards)
    assert [mark.text for mark in ranks_of(one, 50).methods] == ["one", "two"]


def test_what_is_left_out_is_said(summary, monkeypatch) -> None:
    assert "Shown" not in ranks_of(summary(5, 9), 50).about
    monkeypatch.setattr(module, "_MOST_GROUPS", 2)
    told = ranks_of(summary(12, 9), 10)
    assert len(told.methods) == 10
    assert [bar.text for bar in told.groups] == [letter(0), letter(1)]
    assert told.about.endswith(
        "Shown are the first 10 of 12 methods. Shown are the first 2 of "
        f"{len(summary(12, 9).ranked.groups)} groups."
    )


@pytest.mark.parametrize(
    ("n_methods", "ticks"),
    [
        (2, ["1", "2"]),
        (10, [str(rank) for rank in range(1, 11)]),
        (11, ["1", "3", "5", "7", "9", "11"]),
        (29, ["1", "5", "10", "15", "20", "25"]),
        (100, ["1", *(str(rank) for rank in range(10, 101, 10))]),
    ],
)
def test_ticks_are_round_and_few(summary, n_methods: int, ticks: list[str]) -> None:
    assert [one.text for one in ranks_of(summary(n_methods, 3), 50).ticks] == ticks


def test_as_many_methods_as_anybody_may_send_have_few_ticks() -> None:
    assert module._ticks(20_000) == [1, 20_000]
