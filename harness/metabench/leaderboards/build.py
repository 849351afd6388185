"""From results to leaderboards."""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean
from typing import TYPE_CHECKING

from metabench.leaderboards.labels import labels
from metabench.leaderboards.runs import Method, gather, score_run
from metabench.leaderboards.table import Leaderboard, Row, Track
from metabench.results.calibration import speed
from metabench.scoring.compare import compare_all
from metabench.scoring.seeds import seeds_intervals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from metabench.results.folder import Stored
    from metabench.results.record import BudgetPart, Record
    from metabench.scoring.interval import Interval
    from metabench.scoring.metric import Metric


def build(stored: Iterable[Stored], metrics: Mapping[str, Metric]) -> list[Leaderboard]:
    """Make a leaderboard for each group of results that compare.

    Scores are computed from the predictions. A result whose predictions are damaged or absent keeps its
    row and says so. Ranks are given among methods that play by the same rules and are scored on every
    episode with every seed; where a run failed and its method is to blame, it counts as guessing. Methods
    that look at other queries or carry state between episodes stand below them, unranked.

    Args:
        stored: Results.
        metrics: By name.
    """
    by_rules: dict[str, tuple[Track, list[Stored]]] = {}
    for one in stored:
        track = _track(one.record)
        by_rules.setdefault(repr(track), (track, []))[1].append(one)
    groups = sorted(by_rules.values(), key=lambda group: _order_of_tracks(group[0]))
    return [_leaderboard(track, members, metrics.get(track.benchmark.metric)) for track, members in groups]


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


def _leaderboard(track: Track, stored: Sequence[Stored], metric: Metric | None) -> Leaderboard:
    higher_is_better = metric is None or metric.higher_is_better
    rows = _rows(gather(score_run(one, metric) for one in stored), higher_is_better=higher_is_better)
    sign = -1 if higher_is_better else 1

    def order(row: Row) -> tuple[bool, bool, float, str, str]:
        mean = 0.0 if row.score is None else row.score.mean
        return row.rank is None, row.score is None, sign * mean, row.algorithm, row.backbone

    return Leaderboard(
        track=track,
        metric_title=track.benchmark.metric if metric is None else metric.title,
        as_percent=metric is not None and metric.as_percent,
        rows=tuple(sorted(rows, key=order)),
        machines=tuple(sorted({one.record.environment.processor for one in stored})),
    )


def _rows(methods: Sequence[Method], *, higher_is_better: bool) -> list[Row]:
    algorithms = labels([method.first.algorithm for method in methods])
    backbones = labels([method.first.backbone for method in methods])
    guessing = _guessing(methods)
    by_place = {place: method.ranked_by(guessing) for place, method in enumerate(methods)}
    scores = {place: found for place, found in by_place.items() if found is not None}
    compared = compare_all(list(scores.values()), higher_is_better=higher_is_better)
    ranks = dict(zip(scores, compared.rank_intervals, strict=True))
    rows = map(_row, methods, algorithms, backbones, _intervals(methods))
    return [replace(row, rank=ranks.get(place)) for place, row in enumerate(rows)]


def _intervals(methods: Sequence[Method]) -> list[Interval | None]:
    """Of each method's score; None where nothing was scored."""
    by_place = {place: method.scores for place, method in enumerate(methods)}
    scores = {place: found for place, found in by_place.items() if found is not None}
    intervals = dict(zip(scores, seeds_intervals(list(scores.values())), strict=True))
    return [intervals.get(place) for place in by_place]


def _guessing(methods: Sequence[Method]) -> NDArray[np.float64] | None:
    """(n_episodes,) what guessing scores on the board's episodes; None if nobody answered them all."""
    found = [run.guessing for method in methods for run in method.runs if run.guessing is not None]
    return next((one for one in found if len(one) == methods[0].first.benchmark.n_episodes), None)


def _row(method: Method, algorithm: str, backbone: str, score: Interval | None) -> Row:
    records = [run.record for run in method.runs]
    spent = [one.spent for one in records]
    return Row(
        algorithm=algorithm,
        backbone=backbone,
        n_seeds=len(method.runs),
        score=score,
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
        identities=tuple(one.identity for one in records),
    )


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
        notes.append(f"The score rests on {method.coverage:.0%} of the episodes of all seeds.")
    return notes
