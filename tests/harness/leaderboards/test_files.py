"""Leaderboards as files: tables in all formats, and plots that can be looked at."""

from __future__ import annotations

import io
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from metabench.leaderboards.files import leaderboard_files
from metabench.leaderboards.plots import plot_board, plot_profile, plot_ranks
from metabench.leaderboards.renderer import Renderer
from metabench.leaderboards.summary import summarise
from metabench.scoring.interval import Interval

RENDERERS = [
    Renderer("text", "", lambda boards: f"{len(boards)} boards", ".txt"),
    Renderer("screen", "", lambda boards: "", ""),
]


@pytest.fixture
def boards(board, row):
    methods = [("one", 0.9), ("two", 0.8), ("three", 0.7)]
    return [board(f"{name}-5w1s", *(row(*one) for one in methods)) for name in "ab"]


def words(svg: bytes) -> str:
    """All text of a picture."""
    return " ".join("".join(one.itertext()) for one in ET.fromstring(svg).iter() if one.tag.endswith("}text"))


def test_there_is_a_table_of_all_boards_per_format_and_plots_of_each(boards) -> None:
    files = dict(leaderboard_files(boards, RENDERERS, ["a", "b"]))

    assert files["leaderboard.txt"] == b"2 boards\n"
    names = ["a", "average-ranks-1", "b", "profile-1"]
    assert sorted(files) == sorted(
        ["leaderboard.txt", *(f"plots/{name}{suffix}" for name in names for suffix in (".png", ".svg"))]
    )
    assert files == dict(leaderboard_files(boards, RENDERERS, ["a", "b"]))


def test_scores_of_which_lower_is_better_have_no_profile(board, row) -> None:
    boards = [
        board(f"{name}-5w1s", row("one", 0.9), row("two", 0.8), higher_is_better=False) for name in "ab"
    ]

    files = dict(leaderboard_files(boards, [], ["a", "b"]))
    assert "plots/average-ranks-1.svg" in files
    assert "plots/profile-1.svg" not in files


def test_pictures_can_be_opened(boards) -> None:
    files = dict(leaderboard_files(boards, RENDERERS, ["a", "b"]))

    for name, content in files.items():
        if name.endswith(".png"):
            assert np.ptp(np.asarray(Image.open(io.BytesIO(content)).convert("L"))) > 100
        if name.endswith(".svg"):
            assert words(content)


def test_a_board_shows_every_method_that_has_a_score(board, row) -> None:
    rows = [
        row("one", 0.9, over_classes=Interval(0.9, 0.85, 0.95)),
        row("$x$ <b>", 0.8, is_ranked=False, verdict="transductive"),
        row("silent", 0.0, score=None, is_ranked=False),
    ]

    told = words(plot_board(board("a-5w1s", *rows))[".svg"])

    assert "one, conv4" in told
    assert "$x$ <b>, conv4 (transductive)" in told
    assert "silent" not in told


def test_a_plot_tells_what_its_intervals_are_for(board, row) -> None:
    one, several = row("one", 0.9), row("two", 0.8, n_seeds=3)

    alone = words(plot_board(board("a-5w1s", one))[".svg"])
    assert "thick for other episodes, thin for other classes" in alone
    told = words(plot_board(board("a-5w1s", one, several))[".svg"])
    assert "thick for other episodes (and other seeds, where there are several), thin for" in told


def test_of_more_methods_than_a_page_has_room_for_the_first_are_shown(board, row) -> None:
    rows = [row(f"method {place}", 0.9 - 0.01 * place) for place in range(32)]

    told = words(plot_board(board("a-5w1s", *rows))[".svg"])

    assert "(30 of 32 methods)" in told
    assert "method 29, conv4" in told
    assert "method 30, conv4" not in told
    assert "methods)" not in words(plot_board(board("a-5w1s", *rows[:30]))[".svg"])


def test_a_board_on_which_nothing_is_scored_can_be_drawn(board, row) -> None:
    empty = board("a-5w1s", row("one", 0.9, score=None, is_ranked=False))
    endless = board("a-5w1s", row("one", 0.9, score=Interval(0.9, -np.inf, np.inf)))

    assert "a-5w1s" in words(plot_board(empty)[".svg"])
    assert "one, conv4" in words(plot_board(endless)[".svg"])


def test_methods_without_a_rank_are_in_the_profile_but_not_among_the_ranks(board, row) -> None:
    boards = [
        board("a-5w1s", row("one", 0.9), row("two", 0.8), row("gap", 0.99)),
        board("b-5w1s", row("one", 0.9), row("two", 0.8)),
    ]
    (summary,) = summarise(boards)

    assert "gap" not in words(plot_ranks(summary)[".svg"])
    assert "gap" in words(plot_profile(summary)[".svg"])


def test_a_summary_without_any_score_can_be_drawn(board, row) -> None:
    failed = row("one", 0.9, score=None, is_ranked=False)
    (summary,) = summarise([board("a-5w1s", failed), board("b-5w1s", failed)])

    assert "Across 2 benchmarks" in words(plot_ranks(summary)[".svg"])
    assert "Across 2 benchmarks" in words(plot_profile(summary)[".svg"])
