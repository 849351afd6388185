"""Average ranks as a critical-difference diagram: a handful of places on an axis, for a template to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards import text
from metabench.site.page import Mark, RankDiagram, Span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.summary import Summary

_MOST_TICKS = 10
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
# From this step on, ticks stand at its multiples.
_ROUND = 5
_DIGITS = 2
_MOST_GROUPS = 12
_ABOUT = (
    "From 1, the best, to {n}. An orange bar joins methods that cannot be told apart, and has the letter of "
    "their group; the last bar is as long as the critical difference, {critical}. The table tells the same."
)
_ABOUT_FIRST = " Shown are the first {shown} of {all} {what}."


def ranks_of(summary: Summary, most: int) -> RankDiagram | None:
    """Place average ranks on an axis (Demšar 2006, figure 1); None where fewer than two are ranked.

    Args:
        summary: What is shown; methods without a rank are not.
        most: Methods to show, the best first.
    """
    ranked = summary.ranked
    if ranked.critical_difference is None:
        return None
    ranks = ranked.ranks[np.isfinite(ranked.ranks)].tolist()
    groups = [
        Span(text.letter(number), _across(ranks[group[0]], ranks), _across(ranks[group[-1]], ranks))
        for number, group in enumerate(ranked.groups)
        if len(group) > 1
    ]
    critical = ranked.critical_difference
    told = f"{critical:.2f}"
    return RankDiagram(
        ticks=tuple(Mark(str(rank), _across(rank, ranks)) for rank in _ticks(len(ranks))),
        critical=Span(told, 0.0, min(_across(1 + critical, ranks), 100.0)),
        methods=tuple(
            Mark(text.name(method), _across(rank, ranks))
            for method, rank in zip(summary.methods, ranks[:most], strict=False)
        ),
        groups=tuple(groups[:_MOST_GROUPS]),
        about=_ABOUT.format(n=len(ranks), critical=told)
        + _first(most, len(ranks), "methods")
        + _first(_MOST_GROUPS, len(groups), "groups"),
    )


def _across(rank: float, ranks: Sequence[float]) -> float:
    """In % of an axis from 1 to the number of methods."""
    return round(100 * (rank - 1) / (len(ranks) - 1), _DIGITS)


def _ticks(n_ranked: int) -> list[int]:
    """Round numbers from 1 to the number of methods, few enough to be read."""
    step = next(one for one in (*_STEPS, n_ranked) if n_ranked / one <= _MOST_TICKS)
    return list(range(1, n_ranked + 1, step)) if step < _ROUND else [1, *range(step, n_ranked + 1, step)]


def _first(shown: int, n: int, what: str) -> str:
    return _ABOUT_FIRST.format(shown=shown, all=n, what=what) if n > shown else ""
