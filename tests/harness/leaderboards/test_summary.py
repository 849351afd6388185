"""Boards summed up: average ranks over the benchmarks of the same rules, and what they are worth."""

from __future__ import annotations

import numpy as np
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


def test_methods_without_a_rank_stand_in_the_order_of_their_coverage_then_of_their_names(board, row) -> None:
    both = [row("one", 0.9), row("two", 0.8)]
    few, most, more = row("a few", 0.99), row("z most", 0.1), row("more", 0.5)
    boards = [
        board("a-5w1s", *both, few, most, more),
        board("b-5w1s", *both, most),
        board("c-5w1s", *both, most),
        board("d-5w1s", *both, more),
    ]

    (summary,) = summarise(boards)

    assert summary.methods == ("one", "two", "z most", "more", "a few")
    assert summary.ranked.coverage.tolist() == [1.0, 1.0, 0.75, 0.5, 0.25]


def test_a_method_is_told_with_its_backbone_where_a_board_has_it_on_several(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("one", 0.8, backbone="resnet12"), row("two", 0.7)),
        board("b-5w1s", row("one", 0.9), row("two", 0.95, backbone="vit")),
    ]

    (summary,) = summarise(boards)
    assert summary.methods == ("one, conv4", "two", "one, resnet12")
    assert [None in rows for rows in summary.rows] == [False, False, True]


def test_variants_that_one_board_tells_apart_are_told_apart_on_all(board, row, make_plugin) -> None:
    few, many = make_plugin("maml", {"steps": 5}), make_plugin("maml", {"steps": 10})
    conv4 = make_plugin("conv4")
    boards = [
        board(
            "a-5w1s",
            row("maml (steps=10)", 0.9, plugins=(many, conv4)),
            row("maml (steps=5)", 0.8, plugins=(few, conv4)),
            row("protonet", 0.7),
        ),
        board("b-5w1s", row("maml", 0.8, plugins=(few, conv4)), row("protonet", 0.7)),
    ]

    (summary,) = summarise(boards)

    assert summary.methods == ("maml (steps=5)", "protonet", "maml (steps=10)")
    assert summary.ranked.ranks.tolist()[:2] == [1.0, 2.0]
    assert summary.rows[0] == (boards[0].rows[1], boards[1].rows[0])


def test_rows_are_there_to_tell_why_a_score_is_not(board, row) -> None:
    failed = row("one", 0.0, score=None, status="timeout")
    boards = [
        board("a-5w1s", row("one", 0.9), row("two", 0.8)),
        board("b-5w1s", row("two", 0.9), failed, row("gone", 0.9, is_ranked=False)),
        board("c-5w1s", row("two", 0.9, is_ranked=False, verdict="transductive"), row("one", 0.8)),
    ]

    (summary,) = summarise(boards)

    told = dict(zip(summary.methods, summary.rows, strict=True))
    assert told.keys() == {"one", "two"}
    assert told["one"] == (boards[0].rows[0], failed, boards[2].rows[1])
    assert told["two"] == (boards[0].rows[1], boards[1].rows[0], boards[2].rows[0])
    assert np.isnan(summary.scores).sum() == 2


def test_of_two_backbones_the_ranked_one_stands_for_the_method(board, row) -> None:
    ranked, unranked = row("one", 0.9), row("one", 0.95, backbone="vit", is_ranked=False)
    boards = [board("a-5w1s", unranked, ranked), board("b-5w1s", ranked, unranked)]

    (summary,) = summarise(boards)
    assert summary.rows == ((ranked, ranked),)


def test_seeds_that_failed_count_as_guessing(board, row) -> None:
    half = row("half", 0.9, n_seeds=2, status="1 of 2 ok", coverage=0.5)
    boards = [board(name, half, row("whole", 0.8, n_seeds=2)) for name in ("a-5w1s", "b-5w1s")]

    (summary,) = summarise(boards)

    assert summary.methods == ("whole", "half")
    assert summary.scores[1].tolist() == pytest.approx([0.55, 0.55])


def test_many_letters_are_told_as_a_run(board, row) -> None:
    names = [f"m{place:02}" for place in range(24)]
    boards = [
        board(f"{number}-5w1s", *(row(name, 0.9 - 0.01 * place) for place, name in enumerate(names)))
        for number in range(16)
    ]

    (summary,) = summarise(boards)

    groups = summary.ranked.groups
    for place, cells in enumerate(text.summary_cells(summary)):
        own = [number for number, group in enumerate(groups) if place in group]
        assert own == list(range(own[0], own[-1] + 1))
        first, last = text.letter(own[0]), text.letter(own[-1])
        assert cells[1] == (f"{first}–{last}" if len(own) > 4 else "".join(map(text.letter, own)))
    assert any("–" in cells[1] for cells in text.summary_cells(summary))


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
        "Fewer than two methods have a score on the same two or more of them; nobody is told apart."
    )
    assert [cells[0] for cells in text.summary_cells(summary)] == ["–", "–"]


def test_a_benchmark_that_few_have_tried_is_named_and_costs_nobody_the_rank(board, row) -> None:
    both = [row("one", 0.9), row("two", 0.8)]
    boards = [board("a-5w1s", *both), board("b-5w1s", *both), board("c-5w1s", row("two", 0.9))]

    (summary,) = summarise(boards)

    assert [cells[0] for cells in text.summary_cells(summary)] == ["1.00", "2.00"]
    assert text.summary_verdict(summary).startswith(
        "Too few have a score on c-5w1s, so that ranks are over the others. By Nemenyi's test"
    )


def test_one_benchmark_is_not_summed_up(board, row) -> None:
    assert summarise([board("a-5w1s", row("one", 0.9))]) == []
