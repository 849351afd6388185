"""Do the parts of a record agree with each other, and can its numbers be."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metabench.referee.audit import judge
from metabench.referee.outcome import BLAME
from metabench.referee.run import CURVE_PART
from metabench.referee.training import GRACE_S
from metabench.results.files import CURVE_FILE, PREDICTIONS_FILE, WEIGHTS_FILE
from metabench.spec.budget import Budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.results.record import CurvePoint, Record, ScorePart


def contradictions(record: Record) -> Iterator[str]:
    """What in a record cannot be together, a sentence each."""
    yield from _of_status(record)
    yield from _of_files(record)
    yield from _of_audit(record)
    yield from _of_scores(record)
    yield from _of_curve(record)
    yield from _of_amounts(record)


def _of_status(record: Record) -> Iterator[str]:
    blame = BLAME[record.status]
    if record.blame != blame:
        yield f"Blame is {record.blame!r}; the status {record.status!r} means {blame!r}."
    is_ok = record.status == "ok"
    if is_ok != (record.failure is None):
        yield f"Status is {record.status!r} {'with' if is_ok else 'without'} a failure."
    if is_ok and not (record.scores and record.audit.n_episodes):
        yield "Status is 'ok', but not all was scored and audited."


def _of_files(record: Record) -> Iterator[str]:
    has_scores = bool(record.scores)
    if has_scores != (PREDICTIONS_FILE in record.files):
        yield f"There are {'scores without' if has_scores else 'no scores of the'} predictions."
    if has_scores and WEIGHTS_FILE not in record.files:
        yield "There are scores without weights."
    # Schema 1, which has no seal, kept no predictions of the curve.
    if record.seal is not None and bool(record.curve) != (CURVE_FILE in record.files):
        yield f"There is {'a curve without' if record.curve else 'no curve of the'} predictions of commits."


def _of_audit(record: Record) -> Iterator[str]:
    told = record.audit
    if not told.n_episodes:
        verdict = "not audited"
    elif not record.scores:
        yield "There is an audit without predictions."
        return
    else:
        precision = record.environment.precision
        verdict = judge(told.noise_floor, told.from_company, told.from_history, precision)
    if told.verdict != verdict:
        yield f"The audit's verdict is {told.verdict!r}; what it found means {verdict!r}."


def _of_scores(record: Record) -> Iterator[str]:
    for score in record.scores:
        if score.n_episodes != record.benchmark.n_episodes:
            yield f"{score.n_episodes} episodes are scored; the benchmark has {record.benchmark.n_episodes}."
    if record.scores and record.scores[0].metric != record.benchmark.metric:
        yield f"The score is {record.scores[0].metric!r}; the benchmark ranks by {record.benchmark.metric!r}."
    points: list[ScorePart | CurvePoint] = [*record.scores, *record.curve]
    for point in points:
        if not point.low <= point.mean <= point.high:
            yield f"The mean {point.mean!r} lies outside of its interval {point.low!r} … {point.high!r}."


def _of_curve(record: Record) -> Iterator[str]:
    expected = max(1, record.benchmark.n_episodes // CURVE_PART)
    times = [point.meta_training_s for point in record.curve]
    if any(point.n_episodes != expected for point in record.curve):
        yield f"A point of the curve is not over the first {expected} episodes."
    if times != sorted(times) or any(not 0 <= one <= record.spent.meta_training_s for one in times):
        yield f"The commits of the curve, at {times} s, are not in the order and the time of meta-training."


def _of_amounts(record: Record) -> Iterator[str]:
    found = record.audit
    for number in (found.noise_floor, found.from_company, found.from_history):
        if not 0 <= number < math.inf:
            yield f"The audit has the number {number!r}; expected none below zero, all finite."
    given_s = Budget(**record.budget.model_dump(exclude_none=True)).ceiling_s
    if record.spent.meta_training_s > given_s + GRACE_S:
        yield f"{record.spent.meta_training_s} s of meta-training are spent; {given_s:g} s are given."
