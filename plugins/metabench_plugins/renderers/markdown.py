"""Leaderboards as Markdown tables, for README files and pull requests."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tabulate import tabulate

from metabench.hooks import hookimpl
from metabench.leaderboards import text
from metabench.leaderboards.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.summary import Summary
    from metabench.leaderboards.table import Leaderboard, Row

# Whatever can begin markup inside a line: emphasis, code, links, HTML, mentions, cells, addresses.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#@!$]|:(?=//)|(?<=www)\.)")


@hookimpl
def metabench_renderers() -> list[Renderer]:
    """Declare Markdown."""
    return [Renderer("markdown", "GitHub-flavoured Markdown, with all columns", render, ".md")]


def render(boards: Sequence[Leaderboard]) -> str:
    """Show each leaderboard as a heading, a table and its notes; at the end, how to read them."""
    if not boards:
        return text.NO_RESULTS
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.leaderboards.summary import summarise  # noqa: PLC0415

    return "\n\n".join(
        [
            *map(_board, boards),
            *map(_summary, summarise(boards)),
            *map(_escaped, text.explanations(boards, with_groups=True, with_classes=True, with_cost=True)),
        ]
    )


def _summary(summary: Summary) -> str:
    cells = [[_escaped(cell) for cell in row] for row in text.summary_cells(summary)]
    table = tabulate(cells, text.summary_header(), tablefmt="github", disable_numparse=True)
    return "\n\n".join(
        [f"### {_escaped(text.summary_heading(summary))}", table, _escaped(text.summary_verdict(summary))]
    )


def _board(board: Leaderboard) -> str:
    others = sorted({metric for row in board.rows for metric in row.others})
    header = [
        "rank",
        "group",
        "algorithm",
        "backbone",
        f"{_escaped(text.name(board.metric_title))} [95 % interval]",
        "[other classes]",
        "seeds",
        "worst seed",
        *(_escaped(text.name(metric)) for metric in others),
        "spent",
        "cost",
        "operations",
        "per episode",
        "peak memory",
        "parameters",
        "status",
        "coverage",
        "audit",
    ]
    letters = text.groups(board) or [text.NOTHING] * len(board.rows)
    rows = [_cells(board, *told, others) for told in zip(board.rows, letters, strict=True)]
    table = tabulate(rows, header, tablefmt="github", disable_numparse=True)
    notes = "\n".join(f"- {_escaped(note)}" for note in text.notes(board))
    lines = (text.rules(board.track), text.machines(board), text.apart(board))
    above = [f"### {_escaped(text.heading(board))}", *map(_escaped, lines)]
    return "\n\n".join(part for part in [*above, table, notes] if part)


def _cells(board: Leaderboard, row: Row, letters: str, others: Sequence[str]) -> list[str]:
    return [
        text.rank(row),
        letters,
        _escaped(text.name(row.algorithm)),
        _escaped(text.name(row.backbone)),
        text.score(row, as_percent=board.as_percent),
        text.over_classes(row, as_percent=board.as_percent),
        str(row.n_seeds),
        text.worst_seed(row, as_percent=board.as_percent),
        *(text.other(row, metric) for metric in others),
        _escaped(text.spent(row, board.track)),
        text.cost(row),
        text.operations(row),
        text.per_episode(row),
        f"{row.peak_memory_mib:.0f} MiB",
        text.parameters(row),
        text.status(row),
        f"{row.coverage:.0%}",
        row.verdict,
    ]


def _escaped(words: str) -> str:
    return _MARKUP.sub(r"\\\1", words)
