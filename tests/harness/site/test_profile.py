"""Performance profiles: steps where the scores are, and the same in numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from metabench.leaderboards.summary import summarise
from metabench.site import profile as module
from metabench.site.profile import profile_of

MEANS = {"one": (0.9, 0.5, 0.7, 0.6), "two": (0.8, 0.8, 0.8, 0.8), "part": (0.95, None, None, 0.4)}


@pytest.fixture
def boards(board, row):
    """Four benchmarks; one method lacks scores on two of them."""
    return [
        board(
            f"{letter}-5w1s",
            *(row(name, means[place]) for name, means in MEANS.items() if means[place] is not None),
        )
        for place, letter in enumerate("abcd")
    ]


@pytest.fixture
def drawn(boards, monkeypatch: pytest.MonkeyPatch):
    """What is drawn of the benchmarks: the frame, and points by method."""
    told = {}

    def keep(frame, series):
        told["frame"], told["series"] = frame, series
        return ""

    monkeypatch.setattr(module, "draw", keep)
    (summary,) = summarise(boards)
    profile_of(summary, "profile-1", table="methods")
    names = dict(enumerate(summary.methods, start=1))
    return told["frame"], {names[one.number]: one.points for one in told["series"]}


def value_at(points, score: float) -> float:
    """What a line of steps shows at a score: each point's value holds to its left."""
    return next(point.y for point in points if point.x >= score)


def test_a_line_shows_the_part_of_the_benchmarks_with_at_least_a_score(drawn) -> None:
    _, lines = drawn
    for name, means in MEANS.items():
        for score in np.linspace(38, 96, 117):
            reached = sum(mean is not None and 100 * mean >= score - 1e-9 for mean in means)
            assert value_at(lines[name], score) == reached / 4, (name, score)


def test_lines_begin_and_end_beyond_all_scores(drawn) -> None:
    _, lines = drawn
    for points in lines.values():
        assert points[0].x == pytest.approx(40 - 0.04 * 55)
        assert (points[-1].x, points[-1].y) == (pytest.approx(95 + 0.04 * 55), 0)


def test_the_axis_is_linear_and_in_the_unit_of_the_scores(drawn) -> None:
    frame, _ = drawn
    assert (frame.x_label, frame.steps, frame.joined) == ("score in %", True, True)


def test_numbers_tell_what_is_reached_on_parts_of_the_benchmarks(boards) -> None:
    (summary,) = summarise(boards)
    table = profile_of(summary, "profile-1", table="methods").table
    assert table.name == "profile-1-table"
    assert [column.title for column in table.columns] == [
        "method",
        "on all",
        "on three quarters",
        "on half",
        "on a quarter",
    ]
    assert {row[0].text: [cell.text for cell in row[1:]] for row in table.rows} == {
        "one": ["50.00", "60.00", "70.00", "90.00"],
        "two": ["80.00", "80.00", "80.00", "80.00"],
        "part": ["–", "–", "40.00", "95.00"],
    }


def test_names_stand_in_the_legend_and_not_in_the_drawing(board, row) -> None:
    hostile = "<script>alert('x')</script>"
    boards = [board(name, row(hostile, 0.9), row("two", 0.8)) for name in ("a-5w1s", "b-5w1s")]
    (summary,) = summarise(boards)
    told = profile_of(summary, "profile-1", table="methods")
    assert [(one.number, one.link.text, one.link.href) for one in told.legend] == [
        (1, hostile, "#methods"),
        (2, "two", "#methods"),
    ]
    assert "script" not in told.plot.svg
    assert "two" not in told.plot.svg


def test_as_many_methods_as_there_are_colours_are_drawn_and_the_rest_is_counted(board, row) -> None:
    rows = [row(f"m{place}", 0.9 - 0.01 * place) for place in range(11)]
    (summary,) = summarise([board(name, *rows) for name in ("a-5w1s", "b-5w1s")])
    told = profile_of(summary, "profile-1", table="methods")
    assert [one.link.text for one in told.legend] == [f"m{place}" for place in range(8)]
    assert len(told.table.rows) == 8
    assert told.plot.about.endswith("Shown are the first 8 of 11 methods.")


def test_scores_that_point_both_ways_are_not_put_on_one_scale(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("two", 0.8)),
        board("b-5w1s", row("one", 0.9), row("two", 0.8), higher_is_better=False),
    ]
    (summary,) = summarise(boards)
    assert profile_of(summary, "profile-1", table="methods") is None


@pytest.mark.parametrize("absurd", [math.inf, -math.inf, 1e300])
def test_scores_that_no_axis_holds_are_not_drawn(boards, absurd: float) -> None:
    (summary,) = summarise(boards)
    scores = summary.scores.copy()
    scores[0, 0] = absurd
    assert profile_of(replace(summary, scores=scores), "profile-1", table="methods") is None


def test_of_very_many_benchmarks_lines_have_some_of_the_steps(monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST_STEPS", 5)
    scores = np.arange(100.0)
    points = module._steps(scores, (-1.0, 100.0))
    assert len(points) == 7
    assert [(one.x, one.y) for one in points[1:3]] == [(0.0, 1.0), (20.0, 0.8)]
