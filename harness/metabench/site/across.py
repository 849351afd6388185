"""Methods across benchmarks: for each set of rules a table, average ranks and performance profiles."""

from __future__ import annotations

import math
from itertools import chain, islice
from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards import text
from metabench.leaderboards.summary import summarise
from metabench.site.board import told_apart
from metabench.site.numbers import LAST, order
from metabench.site.page import Cell, Column, Link, Section, Table
from metabench.site.profile import profile_of
from metabench.site.ranks import ranks_of
from metabench.site.tables import tone_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metabench.leaderboards.summary import Summary
    from metabench.leaderboards.table import Leaderboard, Row
    from metabench.site.contents import Contents

# What fits: on the page, into a table, into a diagram, across a screen, and into a paragraph.
MOST_SECTIONS = 5
_MOST_METHODS = 50
_MOST_DRAWN = 30
_MOST_BENCHMARKS = 12
_MOST_OTHERS = 50
_TEXTS = {"group", "method"}
_FINDINGS = {"transductive", "stateful"}
_ABOUT_RANK = (
    "Average rank: over the benchmarks that enough methods have a score on, 1 the best, among the methods "
    "that have a score on each of them."
)
_ABOUT_GAPS = (
    f"A method that lacks a score has no average rank ({text.NOTHING}): neither leaving a benchmark out nor "
    "a rank for it would be fair. In the place of the score stands how the run failed or what the audit "
    f"found; {text.NOTHING} where there is no result."
)
_ABOUT_FAILED_SEEDS = (
    "Seeds that failed by the method's fault count as guessing here, and beside the score stands how many "
    "were ok; the leaderboard of the benchmark tells the mean of the others."
)
_ABOUT_COLUMNS = "{shown} of {all} benchmarks have a column; all of them count."
_ABOUT_METHODS = "Shown are the first {shown} of {all} methods; all of them count."


def sections_of(contents: Contents) -> tuple[tuple[Section, ...], str]:
    """Sum up leaderboards that differ in their benchmark alone, those with the most scores first.

    Args:
        contents: Of the site.

    Returns:
        Sections, and in words how many more there would be; "" if there are no more.
    """
    summaries = sorted(summarise(contents.boards), key=_n_scores, reverse=True)
    shown = summaries[:MOST_SECTIONS]
    pages = dict(zip(map(id, contents.boards), contents.board_names, strict=True))
    more = f"… and {len(summaries) - len(shown)} more sets of rules." if len(summaries) > len(shown) else ""
    return tuple(_section(one, number, pages) for number, one in enumerate(shown, start=1)), more


def _n_scores(summary: Summary) -> int:
    return int(np.isfinite(summary.scores).sum())


def _section(summary: Summary, number: int, pages: Mapping[int, str]) -> Section:
    first = summary.boards[0]
    links = [_link(board, pages) for board in summary.boards]
    table = _table(summary, links, f"methods-across-{number}")
    track = "" if first.track.pretrained else ", no pretraining"
    return Section(
        name=f"across-{number}",
        title=f"Across {len(links)} benchmarks: {told_apart(first)}{track}",
        rules=text.rules(first.track),
        verdict=text.summary_verdict(summary),
        table=table,
        explanations=tuple(_explanations(summary)),
        others=tuple(links[_MOST_BENCHMARKS:][:_MOST_OTHERS]),
        ranks=ranks_of(summary, _MOST_DRAWN),
        profile=profile_of(summary, f"profile-{number}", table=table.name),
    )


def _link(board: Leaderboard, pages: Mapping[int, str]) -> Link:
    return Link(text.name(board.track.benchmark.name), f"boards/{pages[id(board)]}.html")


def _table(summary: Summary, links: Sequence[Link], name: str) -> Table:
    titles = text.summary_header()
    known = [Column(title, is_number=title not in _TEXTS) for title in titles]
    measured = [
        Column(_measured(board), is_number=True, above=link)
        for board, link in zip(summary.boards, links[:_MOST_BENCHMARKS], strict=False)
    ]
    cells = text.summary_cells(summary)[:_MOST_METHODS]
    rows = tuple(
        (*_placed(summary, place, told), *_scored(summary, place)) for place, told in enumerate(cells)
    )
    return Table(name, text.summary_heading(summary), (*known, *measured), rows)


def _measured(board: Leaderboard) -> str:
    return text.name(board.metric_title) + (" in %" if board.as_percent else "")


def _placed(summary: Summary, place: int, told: Sequence[str]) -> tuple[Cell, ...]:
    rank, group, method, coverage = told
    average, part = float(summary.ranked.ranks[place]), float(summary.ranked.coverage[place])
    return (
        Cell(rank, order(average, missing=LAST)),
        Cell(group),
        Cell(method, tone="name"),
        Cell(coverage, part, tone="bad" if part < 1 else ""),
    )


def _scored(summary: Summary, place: int) -> Iterator[Cell]:
    told = zip(summary.boards, summary.rows[place], summary.scores[place].tolist(), strict=True)
    for board, row, score in islice(told, _MOST_BENCHMARKS):
        yield _cell(row, score, as_percent=board.as_percent)


def _cell(row: Row | None, score: float, *, as_percent: bool) -> Cell:
    """A score, or what stands in its place: nothing is left out or filled in."""
    if row is None:
        return Cell(text.NOTHING, order(None), tone="quiet")
    if math.isnan(score):
        return Cell(row.verdict if row.verdict in _FINDINGS else _ended(row), order(None), tone="bad")
    told = text.decimal(score, as_percent=as_percent)
    if tone_of(row.status) == "good":
        return Cell(told, order(score))
    return Cell(f"{told} ({text.status(row)})", order(score), tone="bad")


def _ended(row: Row) -> str:
    return "no rank" if tone_of(row.status) == "good" else text.status(row)


def _explanations(summary: Summary) -> Iterator[str]:
    n_methods, n_boards = summary.scores.shape
    yield _ABOUT_RANK
    if np.isnan(summary.scores).any():
        yield _ABOUT_GAPS
    scored = zip(chain(*summary.rows), summary.scores.flat, strict=True)
    if any(row is not None and tone_of(row.status) == "bad" and not math.isnan(one) for row, one in scored):
        yield _ABOUT_FAILED_SEEDS
    if n_methods > _MOST_METHODS:
        yield _ABOUT_METHODS.format(shown=_MOST_METHODS, all=n_methods)
    if n_boards > _MOST_BENCHMARKS:
        yield _ABOUT_COLUMNS.format(shown=_MOST_BENCHMARKS, all=n_boards)
