"""Leaderboards as plots: scores with their intervals, average ranks, performance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards import text
from metabench.leaderboards.drawing import BLUE, GREY, ORANGE, drawn, written
from metabench.scoring.across import performance_profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from metabench.leaderboards.summary import Summary
    from metabench.leaderboards.table import Leaderboard, Row

_WIDTH, _HEAD, _LINE = 7.0, 1.3, 0.28
_N_THRESHOLDS = 201
# Lines that can be told apart in one plot.
_MOST_LINES = 8
_STYLES = ("-", "--", "-.", ":")


def plot_board(board: Leaderboard, suffix: str) -> bytes:
    """Draw the scores of a board's methods, the best on top.

    Args:
        board: What is shown.
        suffix: Of the format, e.g. ".svg".

    Returns:
        The content of a file.
    """
    rows = [row for row in board.rows if row.score is not None]
    with drawn(_WIDTH, _HEAD + _LINE * max(len(rows), 1)) as figure:
        axes = figure.subplots()
        for place, row in enumerate(rows):
            _draw_score(axes, place, row, 100.0 if board.as_percent else 1.0)
        axes.set_yticks(range(len(rows)), [_named(row) for row in rows])
        axes.invert_yaxis()
        axes.grid(visible=True, axis="x", linewidth=0.5)
        axes.set_title(text.heading(board), fontsize="medium")
        axes.set_xlabel("95 % intervals: thick for other episodes, thin for other classes", fontsize="small")
        return written(figure, suffix)


def plot_ranks(summary: Summary, suffix: str) -> bytes:
    """Draw average ranks with bars across methods that cannot be told apart (Demšar 2006, figure 1).

    Args:
        summary: What is shown; methods without a rank are not.
        suffix: Of the format.

    Returns:
        The content of a file.
    """
    ranks, groups = summary.ranked.ranks, summary.ranked.groups
    ranked = np.flatnonzero(~np.isnan(ranks))
    with drawn(_WIDTH, _HEAD + _LINE * (len(ranked) + len(groups))) as figure:
        axes = figure.subplots()
        axes.plot(ranks[ranked], range(len(ranked)), "o", color=BLUE)
        for number, group in enumerate(one for one in groups if len(one) > 1):
            told = ranks[list(group)]
            below = len(ranked) + 0.6 * number
            axes.plot([told.min(), told.max()], [below, below], color=ORANGE, linewidth=4)
        axes.set_yticks(range(len(ranked)), [text.name(summary.methods[place]) for place in ranked])
        axes.invert_yaxis()
        axes.grid(visible=True, linewidth=0.5)
        axes.set_title(f"Across {len(summary.boards)} benchmarks", fontsize="medium")
        axes.set_xlabel("average rank; a bar joins methods that cannot be told apart")
        return written(figure, suffix)


def plot_profile(summary: Summary, suffix: str) -> bytes:
    """Draw on which part of the benchmarks each method scores at least so much.

    Args:
        summary: What is shown: of its methods the first, which are ranked best. On all of its boards a
            higher score is better.
        suffix: Of the format.

    Returns:
        The content of a file.
    """
    scores = summary.scores[:_MOST_LINES]
    told = scores[np.isfinite(scores)]
    thresholds = np.linspace(told.min(), told.max(), _N_THRESHOLDS) if told.size else np.zeros(1)
    profile = performance_profile(scores, thresholds)
    with drawn(_WIDTH, 4.0) as figure:
        axes = figure.subplots()
        for place, parts in enumerate(profile):
            axes.plot(
                thresholds, parts, _STYLES[place % len(_STYLES)], label=text.name(summary.methods[place])
            )
        axes.set(xlabel="score", ylabel="part of the benchmarks with at least that", ylim=(-0.02, 1.02))
        axes.grid(visible=True, linewidth=0.5)
        axes.set_title(f"Across {len(summary.boards)} benchmarks", fontsize="medium")
        if len(profile):
            axes.legend(fontsize="small", frameon=False)
        return written(figure, suffix)


def _draw_score(axes: Axes, place: int, row: Row, factor: float) -> None:
    """A dot with two bars; grey for whoever has no rank."""
    assert row.score is not None
    colour = GREY if row.rank is None else BLUE
    for told, width in ((row.over_classes, 1.0), (row.score, 3.5)):
        if told is not None and np.isfinite([told.low, told.high]).all():
            axes.plot([factor * told.low, factor * told.high], [place, place], color=colour, linewidth=width)
    axes.plot([factor * row.score.mean], [place], "o", color=colour, markersize=5)


def _named(row: Row) -> str:
    verdict = "" if row.verdict == "inductive" else f" ({row.verdict})"
    return f"{text.name(row.algorithm)}, {text.name(row.backbone)}{verdict}"
