"""From results to leaderboards."""

from __future__ import annotations

from dataclasses import replace
from itertools import zip_longest
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metabench.leaderboards.apart import set_apart
from metabench.leaderboards.labels import labels
from metabench.leaderboards.runs import Method, Run, gather, membership, score_run
from metabench.leaderboards.table import Leaderboard, Row, Track
from metabench.results.calibration import speed
from metabench.scoring.classes import Membership, classes_intervals
from metabench.scoring.compare import compare_all
from metabench.scoring.interval import Interval
from metabench.scoring.seeds import seeds_intervals, worst_of_seeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from metabench.results.folder import Stored
    from metabench.results.record import BudgetPart, Record
    from metabench.scoring.metric import Metric


Scores = NDArray[np.float64]

# Decimals of scores and their bounds: what follows them differs from one processor to another.
_DIGITS = 12


def build(
    stored: Iterable[Stored], metrics: Mapping[str, Metric], *, scored: Mapping[str, Run] | None = None
) -> list[Leaderboard]:
    """Make a leaderboard for each group of results that compare.

    Scores are those of the outcomes. A result whose outcomes are damaged or absent keeps its row and says
    so. Ranks are given among methods that play by the same rules and are scored on every
    episode with every seed; where a run failed and its method is to blame, it counts as guessing. Methods
    that look at other queries or carry state between episodes stand below them, unranked.

    Args:
        stored: Results.
        metrics: By name.
        scored: What `score_run` made of results, by identity; of those that are not there it is asked.
    """
    by_rules: dict[str, tuple[Track, list[Stored]]] = {}
    for one in stored:
        track = _track(one.record)
        by_rules.setdefault(repr(track), (track, []))[1].append(one)
    groups = sorted(by_rules.values(), key=lambda group: _order_of_tracks(group[0]))
    boards = [
        _leaderboard(track, members, metrics.get(track.benchmark.metric), scored or {})
        for track, members in groups
    ]
    told = zip(boards, set_apart([board.track for board in boards]), strict=True)
    return [replace(board, apart=apart) for board, apart in told]


def _track(record: Record) -> Track:
    return Track(
        benchmark=record.benchmark,
        budget=_named_by_amount(record.budget),
        pretrained=record.pretraining != "none",
        device_class=record.environment.device_class,
        precision=record.environment.precision,
    )


def _named_by_amount(budget: BudgetPart) -> BudgetPart:
    name = f"{budget.episodes}ep" if budget.seconds is None else f"{budget.seconds:g}s"
    return budget.model_copy(update={"name": name})


def _order_of_tracks(track: Track) -> tuple[str, float, str]:
    budget = track.budget
    amount = budget.episodes or 0 if budget.seconds is None else budget.seconds
    return track.benchmark.name, amount, repr(track)


def _leaderboard(
    track: Track, stored: Sequence[Stored], metric: Metric | None, scored: Mapping[str, Run]
) -> Leaderboard:
    higher_is_better = metric is None or metric.higher_is_better
    methods = gather(scored.get(one.record.identity) or score_run(one, metric) for one in stored)
    guessing = _guessing(methods)
    scores = [method.ranked_by(guessing) for method in methods]
    shown = list(map(_shown, methods, scores))
    rows = _rows(methods, shown, membership(stored), higher_is_better=higher_is_better)
    sign = -1 if higher_is_better else 1

    def order(place: int) -> tuple[bool, bool, float, str, str]:
        row, by = rows[place], scores[place]
        # The mean that ranks, as a row may show that of a part of the episodes.
        shown_mean = None if row.score is None else row.score.mean
        mean = shown_mean if by is None else round(float(by.mean()), _DIGITS)
        return by is None, mean is None, sign * (mean or 0.0), row.algorithm, row.backbone

    places = sorted(range(len(rows)), key=order)
    ranked = [one for one in (scores[place] for place in places) if one is not None]
    compared = compare_all(ranked, higher_is_better=higher_is_better) if ranked else None
    # Those without a rank come last.
    ranks = zip_longest([] if compared is None else compared.rank_intervals, places)
    return Leaderboard(
        track=track,
        metric_title=track.benchmark.metric if metric is None else metric.title,
        as_percent=metric is not None and metric.as_percent,
        rows=tuple(replace(rows[place], rank=rank) for rank, place in ranks),
        machines=tuple(sorted({one.record.environment.processor for one in stored})),
        comparisons=compared,
    )


def _shown(method: Method, ranked_by: Scores | None) -> Scores | None:
    """(n_seeds, n_episodes) scores that a row shows the mean of, which rank it where a seed answered all."""
    if ranked_by is None or method.scores is None or method.scores.shape[1] < ranked_by.shape[1]:
        return method.scores
    return ranked_by


def _rows(
    methods: Sequence[Method],
    scores: Sequence[Scores | None],
    classes: Membership | None,
    *,
    higher_is_better: bool,
) -> list[Row]:
    algorithms = labels([method.first.algorithm for method in methods])
    backbones = labels([method.first.backbone for method in methods])
    rows = map(_row, methods, algorithms, backbones)
    wide = _over_classes(scores, classes)
    worsts = (_worst(one, higher_is_better=higher_is_better) for one in scores)
    return [
        replace(row, score=_tidy(score), over_classes=_tidy(over), worst_seed=worst)
        for row, score, over, worst in zip(rows, _intervals(scores), wide, worsts, strict=True)
    ]


def _worst(scores: Scores | None, *, higher_is_better: bool) -> float | None:
    if scores is None or len(scores) < 2:
        return None
    return round(worst_of_seeds(scores, higher_is_better=higher_is_better), _DIGITS)


def _over_classes(scores: Sequence[Scores | None], classes: Membership | None) -> list[Interval | None]:
    """Of each method's mean over its seeds; None where not all episodes are scored, or classes not told."""
    if classes is None:
        return [None] * len(scores)
    n_episodes = classes.shares.shape[0]
    means = {
        place: one.mean(axis=0)
        for place, one in enumerate(scores)
        if one is not None and one.shape[1] == n_episodes
    }
    intervals = classes_intervals(np.stack([*means.values()]), classes) if means else []
    told = dict(zip(means, intervals, strict=True))
    return [told.get(place) for place in range(len(scores))]


def _intervals(scores: Sequence[Scores | None]) -> list[Interval | None]:
    """Of each method's score; None where nothing was scored."""
    found = {place: one for place, one in enumerate(scores) if one is not None}
    intervals = dict(zip(found, seeds_intervals(list(found.values())), strict=True))
    return [intervals.get(place) for place in range(len(scores))]


def _tidy(interval: Interval | None) -> Interval | None:
    """Without the digits that depend on how many cores multiply matrices, and on which."""
    if interval is None:
        return None
    return Interval(*(round(one, _DIGITS) for one in (interval.mean, interval.low, interval.high)))


def _guessing(methods: Sequence[Method]) -> NDArray[np.float64] | None:
    """(n_episodes,) what guessing scores on the board's episodes; None if nobody answered them all.

    It is the median of what all runs tell, so that a single one cannot say how those that failed rank.
    """
    found = [run.guessing for method in methods for run in method.runs if run.guessing is not None]
    whole = [one for one in found if len(one) == methods[0].first.benchmark.n_episodes]
    return np.median(whole, axis=0) if whole else None


def _row(method: Method, algorithm: str, backbone: str) -> Row:
    records = [run.record for run in method.intact]
    spent = [one.spent for one in records]
    return Row(
        algorithm=algorithm,
        backbone=backbone,
        plugins=(method.first.algorithm, method.first.backbone),
        n_seeds=len(method.runs),
        score=None,
        rank=None,
        spent_s=fmean(one.meta_training_s for one in spent),
        spent_episodes=fmean(one.episodes for one in spent),
        peak_memory_mib=max(one.peak_memory_mib for one in spent),
        verdict=method.verdict,
        status=method.status,
        coverage=method.coverage,
        notes=tuple(_notes(method)),
        cost_s=_mean_if_known(map(_cost_s, records)),
        operations=_mean_if_known(map(_operations, records)),
        is_steady=all(one.calibration is None or one.calibration.is_steady for one in records),
        identities=tuple(run.record.identity for run in method.runs),
        others=_others(records),
        episode_s=fmean(one.spent.test_s / one.benchmark.n_episodes for one in records),
        parameters=next((one.compute.parameters for one in records if one.compute is not None), None),
    )


def _others(records: Sequence[Record]) -> dict[str, float]:
    """Means over the seeds of all metrics that do not rank."""
    told: dict[str, list[float]] = {}
    for record in records:
        for score in record.scores:
            if score.metric != record.benchmark.metric:
                told.setdefault(score.metric, []).append(score.mean)
    return {name: fmean(means) for name, means in sorted(told.items())}


def _cost_s(record: Record) -> float | None:
    """Seconds of meta-training at the speed of the reference machine."""
    machine = None if record.calibration is None else speed(record.calibration)
    return None if machine is None else machine * record.spent.meta_training_s


def _operations(record: Record) -> float | None:
    """Operations of meta-training, from those of a step; the sum of a part of them would mean nothing."""
    compute = record.compute
    if compute is None or compute.uncounted or compute.per_training_step is None:
        return None
    return compute.per_training_step * record.spent.steps


def _mean_if_known(values: Iterable[float | None]) -> float | None:
    known = list(values)
    return None if None in known else fmean(one for one in known if one is not None)


def _notes(method: Method) -> list[str]:
    notes = [run.problem for run in method.runs if run.problem]
    if len(method.runs) > 1:
        failed = [run for run in method.runs if run.status != "ok"]
        notes += [f"Seed {run.record.seed} ended as {run.status}." for run in failed]
    if method.scores is not None and method.coverage < 1.0:
        notes.append(f"{method.coverage:.0%} of the episodes of all seeds were answered.")
    return notes
