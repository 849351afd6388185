"""Level 3: does the whole run have the same outcome again."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from metabench.errors import MetabenchError
from metabench.results.arena import arena_key
from metabench.results.bundle import left_out
from metabench.results.environment import threads_of
from metabench.results.files import OUTCOMES_FILE, PREDICTIONS_FILE, read_outcomes, read_predictions
from metabench.results.folder import folder_name
from metabench.results.produce import Producer
from metabench.results.score import overlap
from metabench.verification.finding import Finding
from metabench.verification.plan import NotRepeatableError, Repeatable, repeatable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metabench.results.folder import Stored
    from metabench.results.outcomes import Outcomes
    from metabench.results.predictions import Predictions
    from metabench.results.record import Record
    from metabench.verification.machine import Machine


def check_run(stored: Stored, machine: Machine) -> Finding:
    """Make the whole run again, in a folder of results that is thrown away.

    A budget in episodes gives the same predictions to the last bit where everything is as it was: the
    plan, the versions, the processor, and the key that puts questions in order. Otherwise, and on a GPU,
    two runs of one plan differ, and the 95 % intervals of their scores must overlap. A paired test would
    be stricter, but would tell honest runs apart, as these differ in more than what episodes they met.

    Args:
        stored: The result.
        machine: With its dataset and its plugins.
    """
    try:
        run = repeatable(stored.record, machine)
        _check_device(stored.record, run)
        before, now = _read(stored.folder, stored.record), _made(run, machine)
    except MetabenchError as error:
        return Finding(3, "the run", (str(error),))
    problems = [*_of_outcomes(before.record, now.record)]
    reasons = [*_why_not_exact(before.record, now.record, run.differences)]
    if not reasons:
        problems += [*_of_predictions(before, now), *_of_episodes(before, now)]
        return Finding(3, _exactly(before), tuple(problems))
    problems += _of_scores(before.record, now.record)
    loosely = (f"Single predictions are not compared, as they need not be the same: {'; '.join(reasons)}.",)
    told = f"status, verdict and score: {_score(before.record)} then, {_score(now.record)} now"
    return Finding(3, told, tuple(problems), loosely)


@dataclass(frozen=True)
class _Run:
    """A result; without predictions where nothing could be tested, or as a bundle of outcomes alone."""

    record: Record
    predictions: Predictions | None
    outcomes: Outcomes | None = None


def _read(folder: Path, record: Record) -> _Run:
    has_predictions = PREDICTIONS_FILE in record.files and not left_out(folder, record)
    return _Run(
        record,
        read_predictions(folder, record) if has_predictions else None,
        read_outcomes(folder, record) if OUTCOMES_FILE in record.files else None,
    )


def _exactly(before: _Run) -> str:
    if before.predictions is not None:
        return "status, verdict and predictions, to the last bit"
    return "status" if before.outcomes is None else "status, verdict and outcomes, to the last bit"


def _check_device(record: Record, run: Repeatable) -> None:
    device_class = record.environment.device_class
    if run.plan.device == "cpu" and threads_of(device_class) is None:
        raise NotRepeatableError(
            f"It ran on {device_class!r}; there is no GPU here. Verify it where there is one."
        )


def _made(run: Repeatable, machine: Machine) -> _Run:
    plan = run.plan
    arenas = {arena_key(plan): run.arena}
    machine.listener.sweep_started(1, 0)
    with TemporaryDirectory(prefix="metabench-verify-") as scratch:
        results = Path(scratch)
        producer = Producer(
            arenas, machine.metrics, machine.pooled, results, machine.places, machine.listener
        )
        try:
            record = producer.produce(plan)
            return _read(results / folder_name(record), record)
        finally:
            machine.listener.sweep_finished()


def _why_not_exact(before: Record, now: Record, differences: Sequence[str]) -> Iterator[str]:
    if before.budget.episodes is None:
        yield "a budget in seconds is spent otherwise each time"
    if threads_of(before.environment.device_class) is None:
        yield "GPUs add up in whatever order"
    there, here = ((one.platform, one.processor) for one in (before.environment, now.environment))
    if there != here:
        yield f"processor {there[1]} ({there[0]}) → {here[1]} ({here[0]})"
    if differences:
        yield f"not as where it ran: {', '.join(differences)}"
    elif before.disguise != now.disguise:
        yield "another key has put the questions in order"


def _of_outcomes(before: Record, now: Record) -> Iterator[str]:
    if before.status != now.status:
        why = "" if now.failure is None else f" ({now.failure.message})"
        yield f"Its status was {before.status!r}; now it is {now.status!r}{why}."
    elif before.audit.verdict != now.audit.verdict:
        yield f"The audit's verdict was {before.audit.verdict!r}; now it is {now.audit.verdict!r}."


def _of_predictions(before: _Run, now: _Run) -> Iterator[str]:
    if before.predictions is None or now.predictions is None:
        return
    same = [*map(np.array_equal, before.predictions.logits, now.predictions.logits)]
    if not all(same):
        yield f"The predictions of {same.count(False)} episodes of {len(same)} are others."


def _of_episodes(first: _Run, second: _Run) -> Iterator[str]:
    """Compare outcomes, by the metrics that are known in both runs."""
    one, other = first.outcomes, second.outcomes
    if one is None or other is None:
        return
    before, now = {**one.scores, **one.sums}, {**other.scores, **other.sums}
    for name in sorted(before.keys() & now.keys()):
        if not np.array_equal(before[name], now[name]):
            yield f"The outcomes of episodes by {name} are others."
    if one.classes != other.classes or not all(map(np.array_equal, one.class_scores, other.class_scores)):
        yield "The outcomes of classes are others."


def _of_scores(before: Record, now: Record) -> Iterator[str]:
    # Of several metrics by chance alone one may differ; the first is the one that ranks.
    for one, other in zip(before.scores[:1], now.scores[:1], strict=False):
        if not overlap(one, other):
            yield f"Their intervals do not overlap: {_score(before)} then, {_score(now)} now."


def _score(record: Record) -> str:
    if not record.scores:
        return "none"
    score = record.scores[0]
    return f"{score.metric} {score.mean:.4f} [{score.low:.4f}, {score.high:.4f}]"
