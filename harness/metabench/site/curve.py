"""A run's learning curve, so small that thousands of pages can have one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.leaderboards.text import interval
from metabench.scoring.interval import Interval
from metabench.site.drawing import Point
from metabench.site.numbers import number, order
from metabench.site.page import Cell, Column, Curve, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from metabench.leaderboards.runs import Run

_WIDTH, _HEIGHT = 100.0, 40.0
_FEWEST = 2
_MOST = 100


@dataclass(frozen=True)
class Scored:
    """A score at a time.

    Attributes:
        at_s: Seconds of meta-training.
        score: In the metric's unit.
        n_episodes: That it rests on.
    """

    at_s: float
    score: Interval
    n_episodes: int


def points_of(run: Run, score: Interval | None) -> tuple[Scored, ...]:
    """The commits of a run and, where it has scores, its end.

    Args:
        run: Of which the record tells the commits.
        score: At its end.
    """
    told = [
        Scored(one.meta_training_s, Interval(one.mean, one.low, one.high), one.n_episodes)
        for one in run.record.curve[:_MOST]
    ]
    if run.scores is not None and score is not None:
        told.append(Scored(run.record.spent.meta_training_s, score, len(run.scores)))
    return tuple(told)


def table_of(points: Sequence[Scored], *, as_percent: bool) -> Table:
    """The learning curve as a table."""
    unit = " in %" if as_percent else ""
    titles = ("seconds of meta-training", f"score{unit} [95 % interval]", "episodes")
    rows = tuple(
        (
            Cell(number(one.at_s), order(one.at_s)),
            Cell(interval(one.score, as_percent=as_percent), order(one.score.mean)),
            Cell(number(one.n_episodes), order(one.n_episodes)),
        )
        for one in points
    )
    columns = tuple(Column(title, is_number=True) for title in titles)
    return Table("curve", "Scores while meta-training", columns, rows)


def curve_of(points: Sequence[Scored], *, as_percent: bool) -> Curve | None:
    """Scale points to a small box; None where there is nothing to draw.

    Args:
        points: In the order of time.
        as_percent: Edges are told in percent.
    """
    told = [Point(one.at_s, one.score.mean, one.score.low, one.score.high) for one in points]
    drawn = [one for one in told if one.can_be_drawn]
    if len(drawn) < _FEWEST:
        return None
    low, high = min(one.low for one in drawn), max(one.high for one in drawn)
    start, end = min(one.x for one in drawn), max(one.x for one in drawn)

    def place(x: float, y: float) -> tuple[float, float]:
        across = _WIDTH * (x - start) / ((end - start) or 1.0)
        return across, _HEIGHT * (1 - (y - low) / ((high - low) or 1.0))

    upper = [place(one.x, one.high) for one in drawn]
    lower = [place(one.x, one.low) for one in reversed(drawn)]
    return Curve(
        line=_written(place(one.x, one.y) for one in drawn),
        band=_written([*upper, *lower]),
        low=_edge(low, as_percent=as_percent),
        high=_edge(high, as_percent=as_percent),
        start=number(start, "s"),
        end=number(end, "s"),
    )


def _written(points: Iterable[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def _edge(score: float, *, as_percent: bool) -> str:
    return number(100 * score, "%") if as_percent else number(score)
