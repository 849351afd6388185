"""The performance profile of methods across benchmarks, as a plot and in numbers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards import text
from metabench.scoring.across import performance_profile
from metabench.site.drawing import LARGEST, N_COLOURS, Frame, Point, Series, draw
from metabench.site.numbers import order
from metabench.site.page import Cell, Column, LegendEntry, Link, Plot, Profile, Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metabench.leaderboards.summary import Summary

# Steps of a line; with more benchmarks than that, it has a step for some of them only.
_MOST_STEPS = 24
# Of the width, beyond the lowest and the highest score.
_MARGIN = 0.04
_PARTS = (("all", 1.0), ("three quarters", 0.75), ("half", 0.5), ("a quarter", 0.25))
_ABOUT = (
    "How many of the benchmarks a method scores at least so much on. Further up and further right is better; "
    "a benchmark without a score is one where no score is reached."
)
_ABOUT_FIRST = " Shown are the first {shown} of {all} methods."


def profile_of(summary: Summary, name: str, *, table: str) -> Profile | None:
    """Tell on which part of the benchmarks each method scores at least so much.

    Args:
        summary: What is shown: of its methods the first, which are ranked best.
        name: Of the plot and, with "-table" behind it, of its table.
        table: Name of the table on the same page in which the methods stand.

    Returns:
        None where scores of the benchmarks cannot be put on one scale, or are none.
    """
    as_percent = all(board.as_percent for board in summary.boards)
    scores = (100.0 if as_percent else 1.0) * summary.scores[:N_COLOURS]
    told = scores[~np.isnan(scores)]
    if not summary.higher_is_better or not told.size or np.abs(told).max() > LARGEST:
        return None
    names = [text.name(method) for method in summary.methods[: len(scores)]]
    margin = _MARGIN * (float(np.ptp(told)) or 1.0)
    edges = float(told.min()) - margin, float(told.max()) + margin
    series = [Series(number, _steps(one, edges)) for number, one in enumerate(scores, start=1)]
    frame = Frame(name, "score in %" if as_percent else "score", "part of the benchmarks", steps=True)
    n_methods = len(summary.methods)
    more = _ABOUT_FIRST.format(shown=len(names), all=n_methods) if n_methods > len(names) else ""
    return Profile(
        plot=Plot("Performance profile", draw(frame, series), _ABOUT + more),
        legend=tuple(
            LegendEntry(number, Link(one, f"#{table}")) for number, one in enumerate(names, start=1)
        ),
        table=_table(names, summary, name),
    )


def _steps(scores: NDArray[np.float64], edges: tuple[float, float]) -> tuple[Point, ...]:
    """Where the profile of a method steps down, between edges where it begins and ends.

    Args:
        scores: (n_benchmarks,), NaN where there is none.
        edges: Lower than all scores, and higher.
    """
    own = np.unique(scores[~np.isnan(scores)])
    some = own[:: math.ceil(len(own) / _MOST_STEPS)] if len(own) else own
    thresholds = np.array([edges[0], *some, edges[1]])
    (parts,) = performance_profile(scores[np.newaxis], thresholds)
    return tuple(Point(x, y, y, y) for x, y in zip(thresholds.tolist(), parts.tolist(), strict=True))


def _table(names: list[str], summary: Summary, name: str) -> Table:
    columns = tuple(Column(f"on {words}", is_number=True) for words, _ in _PARTS)
    rows = (
        (Cell(method, tone="name"), *(_reached(scores, part, summary) for _, part in _PARTS))
        for method, scores in zip(names, summary.scores, strict=False)
    )
    caption = "Scores that methods reach at least on parts of the benchmarks"
    return Table(f"{name}-table", caption, (Column("method"), *columns), tuple(rows))


def _reached(scores: NDArray[np.float64], part: float, summary: Summary) -> Cell:
    """The highest score that is reached on a part of the benchmarks; nothing where gaps forbid it."""
    downwards = np.sort(np.nan_to_num(scores, nan=-np.inf))[::-1]
    score = float(downwards[math.ceil(part * len(downwards)) - 1])
    if math.isinf(score):
        return Cell(text.NOTHING, order(None), tone="quiet")
    return Cell(text.decimal(score, as_percent=all(one.as_percent for one in summary.boards)), order(score))
