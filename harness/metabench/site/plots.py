"""The plots of a leaderboard: scores by time within a run, by cost, and by budget from run to run."""

from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING

from metabench.site.drawing import N_COLOURS, Frame, Point, Series, draw
from metabench.site.page import Plot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from metabench.leaderboards.runs import Run
    from metabench.leaderboards.table import Leaderboard, Row, Track
    from metabench.site.contents import Contents

_ABOUT_ANYTIME = (
    "Scores of what had been committed at the time, over the first episodes of the benchmark; the last point "
    "of a line is the result, over all of them. Means over seeds."
)
_ABOUT_COST = "Each method's score with its 95 % interval. Further left is cheaper, further up is better."
_ABOUT_NO_COST = " Not drawn: {without} of {all} methods with a score, as their cost is not known."
_ABOUT_BUDGET = "The same methods under all budgets that were run. Means over seeds."
_FEWEST_POINTS = 2
_MOST_TICKS = 8


def plots_of(board: Leaderboard, contents: Contents) -> tuple[Plot, ...]:
    """Draw what a leaderboard's results tell; a plot that would be empty is left out.

    Args:
        board: The leaderboard.
        contents: Of the site.
    """
    found = (_anytime(board, contents), _against_cost(board), _against_budget(board, contents))
    return tuple(plot for plot in found if plot is not None)


def number_of(place: int) -> int:
    """The number of the colour and marker of a method, by its place on the board from 0; 0 for grey."""
    return place + 1 if place < N_COLOURS else 0


def _anytime(board: Leaderboard, contents: Contents) -> Plot | None:
    series = _series(board, lambda row: _points_in_time(row, contents.runs_of(row), _factor(board)))
    series = [one for one in series if len(one.points) >= _FEWEST_POINTS]
    if not series:
        return None
    frame = Frame("anytime", "seconds of meta-training", _y_label(board))
    return Plot("While meta-training", draw(frame, series), _ABOUT_ANYTIME)


def _points_in_time(row: Row, runs: Sequence[Run], factor: float) -> Iterator[Point]:
    """Commit by commit, means over the seeds that have the most commits."""
    curves = [run.record.curve for run in runs]
    longest = max(map(len, curves))
    for points in zip(*(curve for curve in curves if len(curve) == longest), strict=True):
        mean = factor * fmean(point.mean for point in points)
        yield Point(fmean(point.meta_training_s for point in points), mean, mean, mean)
    if longest and row.score is not None:
        mean = factor * row.score.mean
        yield Point(row.spent_s, mean, mean, mean)


def _against_cost(board: Leaderboard) -> Plot | None:
    is_known = any(row.cost_s is not None for row in board.rows)
    series = _series(board, lambda row: _scored(row.cost_s if is_known else row.spent_s, row, _factor(board)))
    if not series:
        return None
    of_what = " on the reference machine" if is_known else ""
    frame = Frame("cost", f"seconds of meta-training{of_what}", _y_label(board), joined=False)
    return Plot("By cost", draw(frame, series), _ABOUT_COST + (_about_missing(board) if is_known else ""))


def _about_missing(board: Leaderboard) -> str:
    """How many methods have no place by cost; "" if all have."""
    known = [row.cost_s is not None for row in board.rows if row.score is not None]
    return "" if all(known) else _ABOUT_NO_COST.format(without=known.count(False), all=len(known))


def _against_budget(board: Leaderboard, contents: Contents) -> Plot | None:
    """Follow the methods of this board through the budgets of its family."""
    family = [one for one in contents.boards if _family(one.track) == _family(board.track)]
    if len(family) < _FEWEST_POINTS:
        return None
    rows: dict[str, list[tuple[float, Row]]] = {}
    for one in family:
        for row in one.rows:
            rows.setdefault(_method(row, contents), []).append((_amount(one.track), row))

    def points(row: Row) -> Iterator[Point]:
        for amount, other in sorted(rows[_method(row, contents)], key=lambda pair: pair[0]):
            yield from _scored(amount, other, _factor(board))

    series = [one for one in _series(board, points) if len(one.points) >= _FEWEST_POINTS]
    if not series:
        return None
    unit = "episodes" if board.track.budget.seconds is None else "seconds"
    amounts = sorted({point.x for one in series for point in one.points})
    label = f"budget, {unit} of meta-training"
    frame = Frame("budget", label, _y_label(board), ticks=tuple(amounts[:_MOST_TICKS]))
    return Plot("By budget", draw(frame, series), _ABOUT_BUDGET)


def _series(board: Leaderboard, points: Callable[[Row], Iterator[Point]]) -> list[Series]:
    """The points of each method that can be drawn, of those that have any."""
    found = [
        Series(number_of(place), tuple(one for one in points(row) if one.can_be_drawn))
        for place, row in enumerate(board.rows)
    ]
    return [one for one in found if one.points]


def _scored(x: float | None, row: Row, factor: float) -> Iterator[Point]:
    if x is not None and row.score is not None:
        yield Point(x, *(factor * y for y in (row.score.mean, row.score.low, row.score.high)))


def _family(track: Track) -> tuple[object, ...]:
    """What tracks have in common that differ in the amount of their budget alone."""
    counts_seconds = track.budget.seconds is not None
    return track.benchmark, track.pretrained, track.device_class, track.precision, counts_seconds


def _amount(track: Track) -> float:
    budget = track.budget
    return float(budget.episodes or 0) if budget.seconds is None else budget.seconds


def _method(row: Row, contents: Contents) -> str:
    """What a method is known by on all boards; its label tells only what differs on one."""
    record = contents.runs[row.identities[0]].record
    return json.dumps([record.algorithm.model_dump(), record.backbone.model_dump()], sort_keys=True)


def _factor(board: Leaderboard) -> float:
    return 100.0 if board.as_percent else 1.0


def _y_label(board: Leaderboard) -> str:
    return "score in %" if board.as_percent else "score"
