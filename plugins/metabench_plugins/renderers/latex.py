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
    with_cost = any(map(text.machines, boards))
    told = text.explanations(boards, with_groups=True, with_classes=True, with_cost=with_cost)
    return "\n\n".join([*map(_table, boards), "\n".join(f"% {one}" for one in (_NEEDS, *told))])


def _table(board: Leaderboard) -> str:
    lines = (text.heading(board), text.rules(board.track), text.machines(board), text.apart(board))
    told = filter(None, (*lines, *text.notes(board)))
    caption = " ".join(_escaped(one if one.endswith(".") else f"{one}.") for one in told)
    header, *rows = _columns(board)
    tabular = tabulate(rows, header, tablefmt="latex_booktabs", disable_numparse=True)
    begin = [f"% {text.heading(board)}", r"\begin{table}", r"\centering", rf"\caption{{{caption}}}"]
    return "\n".join([*begin, tabular, r"\end{table}"])


def _columns(board: Leaderboard) -> list[list[str]]:
    """A header and a row for each method, of the columns that tell something: a page is narrow."""
    header = ["rank", "group", "algorithm", "backbone", f"{text.name(board.metric_title)} [95 % interval]"]
    header += ["[other classes]", "worst seed", "spent", "cost"]
    letters = text.groups(board)
    told = zip(board.rows, letters or [""] * len(board.rows), strict=True)
    table = [header, *(_cells(board, row, letter) for row, letter in told)]
    missing = {
        "group": not letters,
        "[other classes]": all(row.over_classes is None for row in board.rows),
        "worst seed": all(row.worst_seed is None for row in board.rows),
        # Where all rows ran on the same machine, seconds compare as they are.
        "cost": not text.machines(board),
    }
    kept = [column for column, name in enumerate(header) if not missing.get(name)]
    return [[cells[column] for column in kept] for cells in table]


def _cells(board: Leaderboard, row: Row, letters: str) -> list[str]:
    failed = "" if row.status == "ok" else f" ({text.status(row)})"
    verdict = "" if row.verdict == "inductive" else f" ({row.verdict})"
    return [
        text.rank(row),
        letters,
        f"{text.name(row.algorithm)}{verdict}{failed}",
        text.name(row.backbone),
        text.score(row, as_percent=board.as_percent),
        text.over_classes(row, as_percent=board.as_percent),
        text.worst_seed(row, as_percent=board.as_percent),
        text.spent(row, board.track),
        text.cost(row),
    ]


def _escaped(words: str) -> str:
    return "".join(LATEX_ESCAPE_RULES.get(character, character) for character in words)
