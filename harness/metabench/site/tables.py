"""The tables of a leaderboard: how its methods fared, and what they took."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.leaderboards import text
from metabench.site.numbers import LAST, number, order
from metabench.site.page import Cell, Column, Link, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.table import Leaderboard, Row
    from metabench.site.contents import Contents
    from metabench.site.page import Tone

# Seeds that a row names one by one.
_MOST_SEEDS = 10
_MORE_THAN_PLACES = 1e6
_AFTER_SCORES = ("backbone", "seeds", "status", "audit")
_TEXTS = {"group", "algorithm", "backbone", "status", "audit"}
# A column that says nothing else is left out.
_UNREMARKABLE = {text.NOTHING, "100%"}


def scores_table(board: Leaderboard, groups: Sequence[str], contents: Contents) -> Table:
    """How the methods fared.

    Args:
        board: The leaderboard, or a part of it.
        groups: For each row its letters, see `text.groups`; empty where there are none.
        contents: Of the site.
    """
    others = sorted({metric for row in board.rows for metric in row.others})
    measured = f"{text.name(board.metric_title)} [95 % interval]"
    titles = ("rank", "group", "algorithm", measured, "other classes", "worst seed", *_AFTER_SCORES)
    columns = tuple(
        Column(title, is_number=title not in _TEXTS)
        for title in (*titles, *map(contents.title_of, others), "coverage")
    )
    letters = groups or [text.NOTHING] * len(board.rows)
    rows = [_fared(board, *one, others, contents) for one in zip(board.rows, letters, strict=True)]
    return _without_empty(Table("methods", f"Methods on {text.heading(board)}", columns, tuple(rows)))


def costs_table(board: Leaderboard, contents: Contents) -> Table:
    """What the methods took.

    Args:
        board: The leaderboard, or a part of it.
        contents: Of the site.
    """
    titles = ("spent", "cost", "test episode", "operations", "parameters", "peak memory")
    columns = (Column("algorithm"), Column("backbone"), *(Column(one, is_number=True) for one in titles))
    rows = [_took(board, row, contents) for row in board.rows]
    return _without_empty(Table("costs", f"Costs on {text.heading(board)}", columns, tuple(rows)))


def link_to(row: Row, contents: Contents) -> Link:
    """The way from a leaderboard to the first of a row's results."""
    return Link(text.name(row.algorithm), _address(row.identities[0], contents))


def tone_of(status: str) -> Tone:
    """How a status looks, of one run or of several."""
    n_ok, _, n_all = status.removesuffix(" ok").partition(" of ")
    return "good" if status == "ok" or n_ok == n_all else "bad"


def _fared(
    board: Leaderboard, row: Row, group: str, others: Sequence[str], contents: Contents
) -> tuple[Cell, ...]:
    as_percent = board.as_percent
    over = row.over_classes
    return (
        Cell(text.rank(row), _order_of_rank(row)),
        Cell(group, _order_of_rank(row)),
        Cell("", links=(link_to(row, contents),), tone="name"),
        Cell(text.score(row, as_percent=as_percent), order(row.score.mean if row.score else None)),
        Cell(text.over_classes(row, as_percent=as_percent), order(over.low if over else None)),
        Cell(_mean(row.worst_seed, as_percent=as_percent), order(row.worst_seed)),
        Cell(text.name(row.backbone), tone="name"),
        _seeds(row, contents),
        Cell(text.status(row), tone=tone_of(row.status)),
        Cell(row.verdict, tone="quiet" if row.verdict == "inductive" else "bad"),
        *(_other(row.others.get(metric), metric, contents) for metric in others),
        Cell(f"{row.coverage:.0%}", row.coverage),
    )


def _took(board: Leaderboard, row: Row, contents: Contents) -> tuple[Cell, ...]:
    spent = row.spent_episodes if board.track.budget.seconds is None else row.spent_s
    return (
        Cell("", links=(link_to(row, contents),), tone="name"),
        Cell(text.name(row.backbone), tone="name"),
        Cell(text.spent(row, board.track), order(spent)),
        Cell(text.cost(row), order(row.cost_s)),
        Cell(number(row.episode_s, "s"), order(row.episode_s)),
        Cell(text.operations(row), order(row.operations)),
        Cell(number(row.parameters), order(row.parameters)),
        Cell(number(row.peak_memory_mib, "MiB"), order(row.peak_memory_mib)),
    )


def _without_empty(table: Table) -> Table:
    """Leave out columns that have nothing to tell of any method."""
    keep = [
        place
        for place in range(len(table.columns))
        if any(row[place].text not in _UNREMARKABLE for row in table.rows)
    ]
    columns = tuple(table.columns[place] for place in keep)
    return Table(table.name, table.caption, columns, tuple(tuple(row[i] for i in keep) for row in table.rows))


def _order_of_rank(row: Row) -> float:
    """First by the best place, then by the worst."""
    return LAST if row.rank is None else row.rank[0] + row.rank[1] / _MORE_THAN_PLACES


def _mean(score: float | None, *, as_percent: bool) -> str:
    return text.NOTHING if score is None else text.decimal(score, as_percent=as_percent)


def _other(mean: float | None, metric: str, contents: Contents) -> Cell:
    return Cell(_mean(mean, as_percent=contents.is_percent(metric)), order(mean))


def _seeds(row: Row, contents: Contents) -> Cell:
    links = tuple(
        Link(str(contents.runs[identity].record.seed), _address(identity, contents))
        for identity in row.identities[:_MOST_SEEDS]
    )
    more = len(row.identities) - len(links)
    return Cell(f"{more} more and " if more else "", row.n_seeds, links)


def _address(identity: str, contents: Contents) -> str:
    return f"../results/{contents.result_names[identity]}.html"
