"""The first page: every leaderboard and who is ahead on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.leaderboards import text
from metabench.site.across import sections_of
from metabench.site.facts import cut
from metabench.site.numbers import order
from metabench.site.page import Cell, Column, Link, OverviewPage, Table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metabench.leaderboards.table import Leaderboard, Row
    from metabench.site.contents import Contents

# What the page tells one by one.
_MOST_BOARDS = 1000
_MOST_APART = 200
_MOST_PROBLEMS = 200
_MOST_BEST = 3
_COLUMNS = (
    Column("benchmark"),
    Column("budget", is_number=True),
    Column("leading"),
    Column("best score", is_number=True),
    Column("metric"),
    Column("methods", is_number=True),
    Column("results", is_number=True),
    Column("failed", is_number=True),
    Column("device"),
    Column("track"),
)
_ABOUT = "Leading are the methods than which no other is significantly better; the score is the first one's."
_ABOUT_FIRST = (
    "Shown are the first {shown:,} of {all:,} leaderboards; the others have their pages all the same."
)


def overview_page(contents: Contents) -> OverviewPage:
    """Tell what there is.

    Args:
        contents: Of the site.
    """
    apart = [identity for identity in contents.runs if identity not in contents.places]
    sections, more_sections = sections_of(contents)
    return OverviewPage(
        summary=_summary(contents),
        boards=_boards(contents),
        about=tuple(_about(contents)),
        sections=sections,
        more_sections=more_sections,
        apart=tuple(_link(identity, contents) for identity in apart[:_MOST_APART]),
        more_apart=_more(len(apart) - _MOST_APART),
        problems=_problems(contents),
    )


def _summary(contents: Contents) -> str:
    runs, boards = contents.runs.values(), contents.boards
    failed = sum(run.status != "ok" for run in runs)
    ended = {0: "all of them ok", 1: "one of them failed"}.get(failed, f"{failed} of them failed")
    n_benchmarks = len({board.track.benchmark.name for board in boards})
    n_algorithms = len({run.record.algorithm.name for run in runs})
    return (
        f"{_count(len(runs), 'result')}, {ended}: {_count(n_algorithms, 'algorithm')} on "
        f"{_count(n_benchmarks, 'benchmark')}, {_count(len(boards), 'leaderboard')}."
    )


def _about(contents: Contents) -> Iterator[str]:
    yield _ABOUT
    if len(contents.boards) > _MOST_BOARDS:
        yield _ABOUT_FIRST.format(shown=_MOST_BOARDS, all=len(contents.boards))


def _count(n: int, thing: str) -> str:
    return f"{n:,} {thing}" if n == 1 else f"{n:,} {thing}s"


def _boards(contents: Contents) -> Table:
    named = list(zip(contents.boards, contents.board_names, strict=True))
    return Table(
        name="leaderboards",
        caption="Leaderboards and who leads them",
        columns=_COLUMNS,
        rows=tuple(_row(board, name, contents) for board, name in named[:_MOST_BOARDS]),
    )


def _row(board: Leaderboard, name: str, contents: Contents) -> tuple[Cell, ...]:
    track, rows = board.track, board.rows
    runs = [run for row in rows for run in contents.runs_of(row)]
    failed = sum(run.status != "ok" for run in runs)
    best = [row for row in rows if row.rank is not None and row.rank[0] == 1 and row.score is not None]
    first = best[0].score if best else None
    amount = track.budget.episodes if track.budget.seconds is None else track.budget.seconds
    return (
        Cell("", links=(Link(text.name(track.benchmark.name), f"boards/{name}.html"),), tone="name"),
        Cell(text.name(track.budget.name), order(amount)),
        Cell(_named(best), tone="name"),
        Cell(
            text.score(best[0], as_percent=board.as_percent) if best else text.NOTHING,
            order(first.mean if first else None),
        ),
        Cell(text.name(board.metric_title) + (" in %" if board.as_percent else "")),
        Cell(str(len(rows)), len(rows)),
        Cell(str(len(runs)), len(runs)),
        Cell(str(failed), failed, tone="bad" if failed else "quiet"),
        Cell(f"{text.name(track.device_class)}, {track.precision}"),
        Cell("pretrained" if track.pretrained else "no pretraining"),
    )


def _named(rows: Sequence[Row]) -> str:
    told = ", ".join(text.name(row.algorithm) for row in rows[:_MOST_BEST])
    more = len(rows) - _MOST_BEST
    return (f"{told} and {more} more" if more > 0 else told) or text.NOTHING


def _link(identity: str, contents: Contents) -> Link:
    title = text.name(contents.runs[identity].record.title)
    return Link(title, f"results/{contents.result_names[identity]}.html")


def _problems(contents: Contents) -> tuple[str, ...]:
    told = map(cut, contents.problems[:_MOST_PROBLEMS])
    return tuple(filter(None, (*told, _more(len(contents.problems) - _MOST_PROBLEMS))))


def _more(n: int) -> str:
    return f"… and {n} more." if n > 0 else ""
