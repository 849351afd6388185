"""The page of a leaderboard."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from metabench.leaderboards import text
from metabench.site.addresses import part_name
from metabench.site.page import BoardPage, Fact, Facts, LegendEntry, Link
from metabench.site.plots import number_of, plots_of
from metabench.site.significance import matrix_of
from metabench.site.tables import costs_table, link_to, scores_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metabench.leaderboards.table import Leaderboard, Row
    from metabench.site.contents import Contents

# Methods on one page, so that none is too large to load.
PER_PAGE = 500
# Notes and leaderboards that a page tells one by one.
_MOST_NOTES = 100
_MOST_OTHERS = 50


def board_pages(board: Leaderboard, name: str, contents: Contents) -> Iterator[tuple[str, BoardPage]]:
    """The page of a leaderboard, or several of a long one, by name.

    Args:
        board: The leaderboard.
        name: Of its files.
        contents: Of the site.
    """
    starts = range(0, len(board.rows), PER_PAGE)
    parts = [board.rows[start : start + PER_PAGE] for start in starts]
    whole, groups = _whole(board, name, contents), text.groups(board)
    for place, (start, rows) in enumerate(zip(starts, parts, strict=True)):
        part = replace(board, rows=rows)
        page = replace(
            whole,
            table=scores_table(part, groups[start : start + PER_PAGE], contents),
            costs=costs_table(part, contents),
            parts=_parts(name, parts),
        )
        later = replace(page, plots=(), matrix=None, legend=(), notes=())
        yield part_name(name, place), later if place else page


def _whole(board: Leaderboard, name: str, contents: Contents) -> BoardPage:
    """All but the table."""
    links = [link_to(row, contents) for row in board.rows]
    nobody = replace(board, rows=())
    plots = plots_of(board, contents)
    return BoardPage(
        title=text.name(board.track.benchmark.name),
        subtitle=_measured(board),
        rules=tuple(filter(None, (text.rules(board.track), text.machines(board), text.apart(board)))),
        table=scores_table(nobody, (), contents),
        costs=costs_table(nobody, contents),
        notes=_at_most(text.notes(board), _MOST_NOTES),
        explanations=tuple(text.explanations([board], with_groups=True, with_classes=True, with_cost=True)),
        legend=_legend(links) if plots else (),
        plots=plots,
        matrix=matrix_of(board, links),
        facts=_facts(board),
        others=_others(board, contents),
        parts=(),
        downloads=tuple(Link(one.name, f"{name}{one.suffix}") for one in contents.renderers),
    )


def _measured(board: Leaderboard) -> str:
    unit = " in %" if board.as_percent else ""
    return f"{text.name(board.metric_title)}{unit}, {board.track.benchmark.n_episodes} episodes"


def _legend(links: Sequence[Link]) -> tuple[LegendEntry, ...]:
    told = tuple(LegendEntry(number_of(place), link) for place, link in enumerate(links) if number_of(place))
    return told if len(told) == len(links) else (*told, LegendEntry(0, Link("others", "#methods")))


def _facts(board: Leaderboard) -> Facts:
    benchmark = board.track.benchmark
    parameters = ", ".join(f"{name} {value}" for name, value in benchmark.parameters.items())
    source = benchmark.source or benchmark.dataset
    told = (
        ("protocol", f"{benchmark.protocol} ({parameters})"),
        ("meta_test dataset", benchmark.dataset.name),
        ("meta_train dataset", source.name),
        ("episodes", f"{benchmark.n_episodes}, stream {benchmark.stream_seed}"),
        ("sampler", f"version {benchmark.sampler_version}"),
        ("sha256 of the content", benchmark.dataset.content_hash),
        ("sha256 of the splits", benchmark.dataset.split_hash),
        ("sha256 of the episodes", benchmark.manifest_hash),
    )
    return Facts("The benchmark", tuple(Fact(name, text.printable(value)) for name, value in told))


def _others(board: Leaderboard, contents: Contents) -> tuple[Link, ...]:
    """Leaderboards of the same benchmark under other rules."""
    named = zip(contents.boards, contents.board_names, strict=True)
    found = [
        Link(told_apart(one), f"{name}.html")
        for one, name in named
        if one is not board and one.track.benchmark.name == board.track.benchmark.name
    ]
    return tuple(found[:_MOST_OTHERS])


def told_apart(board: Leaderboard) -> str:
    """The rules of a leaderboard in a few words."""
    track = board.track
    pretrained = ", pretrained" if track.pretrained else ""
    return f"{text.name(track.budget.name)}, {text.name(track.device_class)}, {track.precision}{pretrained}"


def _parts(name: str, parts: Sequence[Sequence[Row]]) -> tuple[Link, ...]:
    if len(parts) < 2:
        return ()
    return tuple(
        Link(f"{place * PER_PAGE + 1}–{place * PER_PAGE + len(rows)}", f"{part_name(name, place)}.html")
        for place, rows in enumerate(parts)
    )


def _at_most(lines: Sequence[str], most: int) -> tuple[str, ...]:
    more = len(lines) - most
    return (*lines[:most], f"… and {more} more.") if more > 0 else tuple(lines)
