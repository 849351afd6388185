"""Leaderboards as plots: scores with their intervals, average ranks, performance profiles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards import text
from metabench.leaderboards.drawing import BLUE, FORMATS, GREY, ORANGE, drawn, name_rows, written
from metabench.scoring.across import performance_profile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from metabench.leaderboards.summary import Summary
    from metabench.leaderboards.table import Leaderboard, Row
    from metabench.scoring.interval import Interval

_WIDTH, _HEAD, _LINE = 7.0, 1.3, 0.28
_DOT = 5.0
# More would be higher than a page; the tables have all.
_MOST_ROWS = 30
_N_THRESHOLDS = 201
# Lines that can be told apart in one plot.
_MOST_LINES = 8
_STYLES = ("-", "--", "-.", ":")


def plot_board(board: Leaderboard) -> dict[str, bytes]:
    """Draw the scores of a board's methods, the best on top.

    Args:
        board: What is shown: of many methods the first.

    Returns:
        The content of a file in each of `FORMATS`.
    """
    scored = [row for row in board.rows if row.score is not None]
    rows = scored[:_MOST_ROWS]
    with drawn(_WIDTH, _HEAD + _LINE * max(len(rows), 1)) as figure:
        axes = figure.subplots()
        _draw_scores(axes, rows, 100.0 if board.as_percent else 1.0)
        name_rows(axes, [_named(row) for row in rows])
        axes.grid(visible=True, axis="x", linewidth=0.5)
        cut = f" ({len(rows)} of {len(scored)} methods)" if len(rows) < len(scored) else ""
        axes.set_title(f"{text.heading(board)}{cut}", fontsize="medium")
        # Below the whole figure, as long names leave little room below the axes.
        figure.supxlabel(_about_intervals(rows), fontsize="small")
        return _files(figure)


def plot_ranks(summary: Summary) -> dict[str, bytes]:
    """Draw average ranks with bars across methods that cannot be told apart (Demšar 2006, figure 1).

    Args:
        summary: What is shown; methods without a rank are not.

    Returns:
        The content of a file in each of `FORMATS`.
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
        name_rows(axes, [text.name(summary.methods[place]) for place in ranked])
        axes.grid(visible=True, linewidth=0.5)
        axes.set_title(f"Across {len(summary.boards)} benchmarks", fontsize="medium")
        axes.set_xlabel("average rank; a bar joins methods that cannot be told apart")
        return _files(figure)


def plot_profile(summary: Summary) -> dict[str, bytes]:
    """Draw on which part of the benchmarks each method scores at least so much.

    Args:
        summary: What is shown: of its methods the first, which are ranked best. On all of its boards a
            higher score is better.

    Returns:
        The content of a file in each of `FORMATS`.
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
        return _files(figure)


def _files(figure: Figure) -> dict[str, bytes]:
    """Drawn once for all formats: that takes longer than to write them."""
    return {suffix: written(figure, suffix) for suffix in FORMATS}


def _about_intervals(rows: Sequence[Row]) -> str:
    """What each kind of bar is for; of a single seed, other seeds tell nothing."""
    seeds = " (and other seeds, where there are several)" if any(row.n_seeds > 1 for row in rows) else ""
    return f"95 % intervals: thick for other episodes{seeds}, thin for other classes"


def _draw_scores(axes: Axes, rows: Sequence[Row], factor: float) -> None:
    """A dot with two bars for each; grey for whoever has no rank."""
    colours = [GREY if row.rank is None else BLUE for row in rows]
    _draw_bars(axes, [row.over_classes for row in rows], colours, factor, width=1.0)
    _draw_bars(axes, [row.score for row in rows], colours, factor, width=3.5)
    means = [factor * row.score.mean for row in rows if row.score is not None]
    axes.scatter(means, range(len(rows)), s=_DOT**2, c=colours, zorder=3)


def _draw_bars(
    axes: Axes, told: Sequence[Interval | None], colours: Sequence[str], factor: float, *, width: float
) -> None:
    """A bar for each interval that has bounds, from the top."""
    bars = [
        (place, factor * one.low, factor * one.high, colour)
        for place, (one, colour) in enumerate(zip(told, colours, strict=True))
        if one is not None and np.isfinite([one.low, one.high]).all()
    ]
    if bars:
        axes.hlines(*zip(*bars, strict=True), linewidth=width)


def _named(row: Row) -> str:
    verdict = "" if row.verdict == "inductive" else f" ({row.verdict})"
    return f"{text.name(row.algorithm)}, {text.name(row.backbone)}{verdict}"
