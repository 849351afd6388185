"""Leaderboards as CSV: a row for each method of each board, numbers with all their digits."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from metabench.hooks import hookimpl
from metabench.leaderboards import text
from metabench.leaderboards.renderer import Renderer
from metabench.site.addresses import board_name

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from metabench.leaderboards.table import Leaderboard, Row

# A cell that begins so is a formula to spreadsheets, which would compute a stranger's.
_FORMULAS = ("=", "+", "-", "@")


@hookimpl
def metabench_renderers() -> list[Renderer]:
    """Declare CSV."""
    return [Renderer("csv", "CSV, for spreadsheets and programs", render, ".csv")]


def render(boards: Sequence[Leaderboard]) -> str:
    """Write one table of all boards; an empty cell is what is not known."""
    others = sorted({name for board in boards for row in board.rows for name in row.others})
    rows = [_fields(board, row, others) for board in boards for row in board.rows]
    if not rows:
        return text.NO_RESULTS
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return sheet.getvalue().rstrip("\n")


def _fields(board: Leaderboard, row: Row, others: Sequence[str]) -> dict[str, object]:
    benchmark, budget = board.track.benchmark, board.track.budget
    low_rank, high_rank = row.rank or (None, None)
    score = row.score
    known: dict[str, object] = {
        "benchmark": _name(benchmark.name),
        "metric": _name(benchmark.metric),
        "budget_s": budget.seconds,
        "budget_episodes": budget.episodes,
        "device_class": _name(board.track.device_class),
        "precision": _name(board.track.precision),
        "pretrained": board.track.pretrained,
        "board": board_name(board.track),
        "apart": text.own_rules(board),
        "first_rank": low_rank,
        "last_rank": high_rank,
        "algorithm": _name(row.algorithm),
        "backbone": _name(row.backbone),
        "mean": score and score.mean,
        "low": score and score.low,
        "high": score and score.high,
        "low_over_classes": row.over_classes and row.over_classes.low,
        "high_over_classes": row.over_classes and row.over_classes.high,
        "seeds": row.n_seeds,
        "worst_seed": row.worst_seed,
        "spent_s": row.spent_s,
        "spent_episodes": row.spent_episodes,
        "cost_s": row.cost_s,
        "operations": row.operations,
        "episode_s": row.episode_s,
        "peak_memory_mib": row.peak_memory_mib,
        "parameters": row.parameters,
        "status": row.status,
        "coverage": row.coverage,
        "audit": row.verdict,
    }
    return known | {_column(metric, known): row.others.get(metric) for metric in others}


def _column(metric: str, known: Container[str]) -> str:
    """The heading of a metric; that of another column does not become a stranger's."""
    heading = _name(metric)
    return f"{heading} (metric)" if heading in known else heading


def _name(words: str) -> str:
    shown = text.name(words)
    return f"'{shown}" if shown.startswith(_FORMULAS) else shown
