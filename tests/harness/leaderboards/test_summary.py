"""Boards summed up: average ranks over the benchmarks of the same rules, and what they are worth."""

from __future__ import annotations

import pytest

from metabench.leaderboards import text
from metabench.leaderboards.summary import summarise


def test_ranks_are_averaged_over_the_benchmarks_of_the_same_rules(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("two", 0.8), row("three", 0.7)),
        board("b-5w1s", row("two", 0.9), row("one", 0.8), row("three", 0.7)),
        board("c-5w1s", row("one", 0.9), row("two", 0.8), row("three", 0.7)),
        board("a-5w1s", row("one", 0.9), precision="bf16"),
    ]

    (summary,) = summarise(boards)

    assert summary.boards == tuple(boards[:3])
    assert summary.methods == ("one", "two", "three")
    assert summary.ranked.ranks.tolist() == pytest.approx([4 / 3, 5 / 3, 3.0])
    assert text.summary_heading(summary) == "Across 3 benchmarks: a-5w1s, b-5w1s, c-5w1s"


def test_where_lower_is_better_the_lowest_ranks_first(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("two", 0.8)),
        board("b-5w1s", row("two", 0.9), row("one", 0.8), higher_is_better=False),
    ]

    (summary,) = summarise(boards)
    assert summary.ranked.ranks.tolist() == [1.0, 2.0]
    assert summary.methods == ("one", "two")


def test_a_method_with_a_gap_has_no_rank_and_its_gap_is_told(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("two", 0.8), row("part", 0.99)),
        board("b-5w1s", row("one", 0.9), row("two", 0.8), row("part", 0.99, is_ranked=False)),
    ]

    (summary,) = summarise(boards)

    *ranked, last = text.summary_cells(summary)
    assert [cells[2:] for cells in ranked] == [["one", "2 of 2"], ["two", "2 of 2"]]
    assert last == ["–", "–", "part", "1 of 2"]


def test_methods_are_told_with_their_backbones_where_one_has_several(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("one", 0.8, backbone="resnet12")),
        board("b-5w1s", row("one", 0.9)),
    ]

    (summary,) = summarise(boards)
    assert summary.methods == ("one, conv4", "one, resnet12")


def test_methods_that_cannot_be_told_apart_share_a_letter(board, row) -> None:
    names = ["best", "good", "bad", "worst"]
    boards = [
        board(f"{number}-5w1s", *(row(name, 0.9 - 0.1 * place) for place, name in enumerate(names)))
        for number in range(12)
    ]

    (summary,) = summarise(boards)

    letters = {cells[2]: cells[1] for cells in text.summary_cells(summary)}
    assert set(letters["best"]).isdisjoint(letters["worst"])
    assert set(letters["best"]) & set(letters["good"])
    assert text.summary_verdict(summary).startswith(
        "By Nemenyi's test at 5 %, average ranks that differ by less than 1.35 cannot be told apart"
    )


def test_where_nobody_is_on_all_benchmarks_nobody_is_ranked(board, row) -> None:
    (summary,) = summarise([board("a-5w1s", row("one", 0.9)), board("b-5w1s", row("two", 0.9))])

    assert text.summary_verdict(summary) == (
        "Fewer than two methods have a score on all of them; nobody is ranked."
    )
    assert [cells[0] for cells in text.summary_cells(summary)] == ["–", "–"]


def test_one_benchmark_is_not_summed_up(board, row) -> None:
    assert summarise([board("a-5w1s", row("one", 0.9))]) == []
