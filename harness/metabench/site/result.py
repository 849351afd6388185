"""The page of a result: what ran, on what, what it spent, what came out, and how to make it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.leaderboards import text
from metabench.scoring.interval import Interval, mean_interval
from metabench.site.command import about_command, evaluate_command
from metabench.site.curve import curve_of, points_of, table_of
from metabench.site.facts import cut, facts_of, failure_of, last_lines
from metabench.site.numbers import number, order
from metabench.site.page import Cell, Column, Link, ResultPage, Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.leaderboards.runs import Run
    from metabench.results.record import Record
    from metabench.site.contents import Contents, Place

_MOST_SIBLINGS = 100
_MOST_METRICS = 50


def result_page(identity: str, contents: Contents) -> ResultPage:
    """Tell all of a result that people ask for; the rest is in its record.

    Args:
        identity: Of the result.
        contents: Of the site.
    """
    run, place = contents.runs[identity], contents.places.get(identity)
    record = run.record
    as_percent = contents.is_percent(record.benchmark.metric)
    # Of the metric that ranks, from the outcomes; what the record claims is not believed.
    score = None if run.scores is None else mean_interval(run.scores)
    points = points_of(run, score)
    return ResultPage(
        title=f"{text.name(record.algorithm.name)} on {text.name(record.benchmark.name)}",
        subtitle=_subtitle(record),
        status=run.status.replace("_", " "),
        is_ok=run.status == "ok",
        score=text.NOTHING if score is None else text.interval(score, as_percent=as_percent),
        metric=contents.title_of(record.benchmark.metric),
        rank=text.NOTHING if place is None else text.rank(place.row),
        board=None if place is None else _board(place),
        siblings=_siblings(identity, contents),
        problem=cut(run.problem or ""),
        failure=failure_of(record),
        stderr=last_lines(record),
        facts=tuple(facts_of(record)),
        scores=_scores(run, score, contents),
        curve=curve_of(points, as_percent=as_percent),
        points=table_of(points, as_percent=as_percent),
        command=tuple(map(cut, evaluate_command(record))),
        about_command=tuple(map(cut, about_command(record))),
        record=Link("record", f"{contents.result_names[identity]}.json"),
    )


def _subtitle(record: Record) -> str:
    backbone, budget = text.name(record.backbone.name), text.name(record.budget.name)
    return f"{backbone}, {budget}, seed {record.seed}, {text.name(record.environment.device_class)}"


def _board(place: Place) -> Link:
    return Link(text.heading(place.board), f"../boards/{place.board_name}.html")


def _siblings(identity: str, contents: Contents) -> tuple[Link, ...]:
    """The other seeds of the same method."""
    place = contents.places.get(identity)
    others = [other for other in place.row.identities if other != identity] if place else []
    return tuple(
        Link(f"seed {contents.runs[other].record.seed}", f"{contents.result_names[other]}.html")
        for other in others[:_MOST_SIBLINGS]
    )


def _scores(run: Run, score: Interval | None, contents: Contents) -> Table:
    columns = (
        Column("metric"),
        Column("mean [95 % interval]", is_number=True),
        Column("episodes", is_number=True),
    )
    rows = tuple(
        (
            Cell(contents.title_of(metric) + (" in %" if contents.is_percent(metric) else "")),
            Cell(text.interval(told, as_percent=contents.is_percent(metric)), order(told.mean)),
            Cell(number(n_episodes), order(n_episodes)),
        )
        for metric, told, n_episodes in _by_metric(run, score)
    )
    return Table("scores", "Scores by metric", columns, rows)


def _by_metric(run: Run, score: Interval | None) -> Iterator[tuple[str, Interval, int]]:
    """Metric, mean and episodes: of the metric that ranks the score, of others what the record tells."""
    ranking = run.record.benchmark.metric
    if run.scores is not None and score is not None:
        yield ranking, score, len(run.scores)
    for told in run.record.scores[:_MOST_METRICS]:
        if told.metric != ranking:
            yield told.metric, Interval(told.mean, told.low, told.high), told.n_episodes
