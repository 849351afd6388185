"""Every two methods of a leaderboard compared."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.site.page import Link, Matrix, Versus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.table import Leaderboard
    from metabench.scoring.compare import Comparisons

# More do not fit on a screen.
_MOST = 24
_FEWEST = 2
_ABOUT = (
    "Mean of the row's method − mean of the column's{unit}. Coloured where the difference is significant: "
    "tests on the same episodes, Holm's correction over all pairs of the leaderboard, 5 %."
)
_ABOUT_MORE = " Shown are the first {shown} of {all}."


def matrix_of(board: Leaderboard, links: Sequence[Link]) -> Matrix | None:
    """Set every ranked method against every other; None where fewer than two are ranked.

    Args:
        board: The leaderboard.
        links: To each row's result.
    """
    comparisons = board.comparisons
    if comparisons is None or len(comparisons.means) < _FEWEST:
        return None
    n_ranked = len(comparisons.means)
    shown = range(min(n_ranked, _MOST))
    more = _ABOUT_MORE.format(shown=len(shown), all=n_ranked) if n_ranked > _MOST else ""
    return Matrix(
        # The ranked ones come first.
        methods=tuple(links[: len(shown)]),
        rows=tuple(tuple(_versus(board, comparisons, one, other) for other in shown) for one in shown),
        about=_ABOUT.format(unit=", in percentage points" if board.as_percent else "") + more,
    )


def _versus(board: Leaderboard, comparisons: Comparisons, one: int, other: int) -> Versus | None:
    if one == other:
        return None
    factor, digits = (100, 1) if board.as_percent else (1, 3)
    is_better, is_worse = comparisons.better[one, other], comparisons.better[other, one]
    return Versus(
        text=f"{factor * comparisons.differences[one, other]:+.{digits}f}".replace("-", "−"),
        tone="good" if is_better else "bad" if is_worse else "quiet",
        about=f"p = {np.format_float_positional(comparisons.p_values[one, other], 2, fractional=False)}",
    )
