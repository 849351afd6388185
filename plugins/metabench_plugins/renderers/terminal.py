"""Leaderboards for a terminal: plain tables that fit into 80 columns where names allow."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from tabulate import tabulate

from metabench.hooks import hookimpl
from metabench.leaderboards import text
from metabench.leaderboards.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.summary import Summary
    from metabench.leaderboards.table import Leaderboard, Row

WIDTH = 80
_GAP = 2
_NARROWEST = 12
_ALGORITHM, _BACKBONE, _GROUP, _COST = 1, 2, 4, 6


@hookimpl
def metabench_renderers() -> list[Renderer]:
    """Declare the terminal's format."""
    return [Renderer("terminal", "Plain tables, 80 columns wide", render, ".txt")]


def render(boards: Sequence[Leaderboard]) -> str:
    """Show each leaderboard as a heading, a table and its notes; at the end, how to read them."""
    if not boards:
        return text.NO_RESULTS
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.leaderboards.summary import summarise  # noqa: PLC0415

    with_cost = any(map(text.machines, boards))
    told = text.explanations(boards, with_groups=True, with_cost=with_cost)
    return "\n\n\n".join(
        [*map(_board, boards), *map(_summary, summarise(boards)), "\n".join(map(_wrapped, told))]
    )


def _summary(summary: Summary) -> str:
    heading, verdict = text.summary_heading(summary), text.summary_verdict(summary)
    table = [text.summary_header(), *text.summary_cells(summary)]
    return "\n".join([_wrapped(heading), "", _ruled(table), "", _wrapped(verdict)])


def _board(board: Leaderboard) -> str:
    backbones = {row.backbone for row in board.rows}
    # A backbone that all rows share is said once, so that the table fits.
    shared = f" Backbone: {text.name(*backbones)}." if len(backbones) == 1 else ""
    lines = [text.rules(board.track) + shared, *filter(None, [text.machines(board), text.apart(board)])]
    above = [text.heading(board), *map(_wrapped, lines), ""]
    notes = text.notes(board)
    return "\n".join([*above, _table(board, with_backbone=not shared), *([""] if notes else []), *notes])


def _wrapped(paragraph: str) -> str:
    return textwrap.fill(paragraph, WIDTH)


def _table(board: Leaderboard, *, with_backbone: bool) -> str:
    measured = text.name(board.metric_title)
    header = ["rank", "algorithm", "backbone", measured, "group", "spent", "cost", "status", "audit"]
    letters = text.groups(board)
    told = zip(board.rows, letters or [""] * len(board.rows), strict=True)
    table = [header, *(_cells(board, row, letter) for row, letter in told)]
    # Where all rows ran on the same machine, seconds compare as they are.
    # From the right, so that the places of the others hold.
    needed = {_COST: bool(text.machines(board)), _GROUP: bool(letters), _BACKBONE: with_backbone}
    for column in (column for column, is_needed in needed.items() if not is_needed):
        table = [cells[:column] + cells[column + 1 :] for cells in table]
    return _ruled(_break_algorithms(table))


def _ruled(table: list[list[str]]) -> str:
    rule = ["-" * width for width in _widths(table)]
    # The header is a row like others because tabulate pads real ones.
    return tabulate([table[0], rule, *table[1:]], tablefmt="plain", disable_numparse=True)


def _cells(board: Leaderboard, row: Row, letters: str) -> list[str]:
    return [
        text.rank(row),
        text.name(row.algorithm),
        text.name(row.backbone),
        text.score(row, as_percent=board.as_percent),
        letters,
        text.spent(row, board.track),
        text.cost(row),
        text.status(row),
        row.verdict,
    ]


def _break_algorithms(table: list[list[str]]) -> list[list[str]]:
    """Let the algorithms have what the other columns leave; longer ones are broken between words."""
    widths = _widths(table)
    others = sum(widths) - widths[_ALGORITHM] + _GAP * (len(widths) - 1)
    limit = max(_NARROWEST, WIDTH - others)
    return [
        [_broken(cell, limit) if i == _ALGORITHM else cell for i, cell in enumerate(row)] for row in table
    ]


def _broken(cell: str, limit: int) -> str:
    return "\n".join(textwrap.wrap(cell, limit, break_long_words=False, break_on_hyphens=False))


def _widths(table: list[list[str]]) -> list[int]:
    columns = zip(*table, strict=True)
    return [max(len(line) for cell in column for line in cell.split("\n")) for column in columns]
