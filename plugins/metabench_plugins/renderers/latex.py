"""Leaderboards as LaTeX tables in the manner of booktabs, for papers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabulate import LATEX_ESCAPE_RULES, tabulate

from metabench.hooks import hookimpl
from metabench.leaderboards import text
from metabench.leaderboards.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.table import Leaderboard, Row

_NEEDS = "Needs \\usepackage{booktabs}, and a LaTeX that reads UTF-8."


@hookimpl
def metabench_renderers() -> list[Renderer]:
    """Declare LaTeX."""
    return [Renderer("latex", "LaTeX tables with booktabs", render, ".tex")]


def render(boards: Sequence[Leaderboard]) -> str:
    """Write each leaderboard as a table whose caption tells the rules."""
    if not boards:
        return f"% {text.NO_RESULTS}"
    told = [_NEEDS, *text.explanations(boards, with_cost=False)]
    return "\n\n".join([*map(_table, boards), "\n".join(f"% {one}" for one in told)])


def _table(board: Leaderboard) -> str:
    header = ["rank", "algorithm", "backbone", f"{text.name(board.metric_title)} [95 % interval]", "spent"]
    rows = [_cells(board, row) for row in board.rows]
    told = [text.heading(board), text.rules(board.track), *text.notes(board)]
    caption = " ".join(_escaped(one if one.endswith(".") else f"{one}.") for one in told)
    tabular = tabulate(rows, header, tablefmt="latex_booktabs", disable_numparse=True)
    begin = [f"% {text.heading(board)}", r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
    return "\n".join([*begin, tabular, r"\end{table}"])


def _cells(board: Leaderboard, row: Row) -> list[str]:
    failed = "" if row.status == "ok" else f" ({text.status(row)})"
    verdict = "" if row.verdict == "inductive" else f" ({row.verdict})"
    return [
        text.rank(row),
        f"{text.name(row.algorithm)}{verdict}{failed}",
        text.name(row.backbone),
        text.score(row, as_percent=board.as_percent),
        text.spent(row, board.track),
    ]


def _escaped(words: str) -> str:
    return "".join(LATEX_ESCAPE_RULES.get(character, character) for character in words)
