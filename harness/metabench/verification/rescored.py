"""Level 1: do the stored predictions give the record's numbers, and are their labels the benchmark's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.agreement import same_scores
from metabench.errors import UsageError
from metabench.results.files import (
    CURVE_FILE,
    OUTCOMES_FILE,
    PREDICTIONS_FILE,
    ResultError,
    read_curve,
    read_outcomes,
    read_predictions,
)
from metabench.results.outcomes import outcomes_of
from metabench.results.score import curve_point, score_parts
from metabench.verification.episodes import NotComparableError, drawn_again
from metabench.verification.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.results.folder import Stored
    from metabench.results.outcomes import Outcomes
    from metabench.results.predictions import Predictions
    from metabench.results.record import BenchmarkPart, CurvePoint, Record, ScorePart
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric
    from metabench.verification.machine import Machine


def check_scores(stored: Stored, machine: Machine) -> Finding:
    """Compute all scores again, and draw the benchmark's episodes again for their labels.

    Scores must be the same up to rounding: processors differ in the last bits of logarithms.

    Args:
        stored: The result.
        machine: With its metric; without its dataset, labels and classes are not compared.
    """
    record = stored.record
    if not record.scores and PREDICTIONS_FILE not in record.files:
        return Finding(1, "", remarks=(f"Nothing was scored, as its status is {record.status!r}.",))
    try:
        predictions = read_predictions(stored.folder, record)
        commits = read_curve(stored.folder, record) if CURVE_FILE in record.files else []
        again = outcomes_of(predictions, _metrics(record, machine), _pooled(record, machine))
        problems = [*_of_scores(record, again, machine), *_of_curve(record, commits, machine)]
        if OUTCOMES_FILE in record.files:
            problems += _of_outcomes(read_outcomes(stored.folder, record), again)
    except ResultError as error:
        return Finding(1, "scores", (str(error),))
    problems += _of_curves_labels(predictions, commits)
    checked = f"its score{' and its curve' if commits else ''}, up to rounding"
    remarks = [
        f"Metric {told.metric!r} is not compared: install the extension that has it."
        for told in record.scores
        if told.metric not in machine.metrics.keys() | machine.pooled.keys()
    ]
    if record.curve and not commits:
        remarks.append("The curve is not compared: its schema kept no predictions of earlier commits.")
    try:
        problems += _of_labels(record.benchmark, predictions, machine)
        compared = "labels and classes" if predictions.classes else "labels"
        checked += f"; the {compared} of {len(predictions.labels)} episodes"
    except NotComparableError as error:
        remarks.append(f"Labels are not compared: {error}")
    return Finding(1, checked, tuple(problems), tuple(remarks))


def _metrics(record: Record, machine: Machine) -> list[Metric]:
    """Those of a record that are known here; it cannot do without the one that ranks."""
    others = [told.metric for told in record.scores if told.metric != record.benchmark.metric]
    known = [machine.metrics[name] for name in others if name in machine.metrics]
    return [_metric(machine, record.benchmark.metric), *known]


def _pooled(record: Record, machine: Machine) -> list[PooledMetric]:
    return [machine.pooled[told.metric] for told in record.scores if told.metric in machine.pooled]


def _of_scores(record: Record, again: Outcomes, machine: Machine) -> Iterator[str]:
    parts = {part.metric: part for part in score_parts(again, machine.pooled)}
    for told in record.scores:
        part = parts.get(told.metric, told)
        if not is_same(part, told):
            yield f"{told.metric} is {shown(told)}; its predictions give {shown(part)}."


def _of_outcomes(told: Outcomes, again: Outcomes) -> Iterator[str]:
    """Compare what is told of each episode with what its predictions give."""
    same = [same_scores(scores, told.scores.get(name, [])) for name, scores in again.scores.items()]
    same += [same_scores(sums, told.sums.get(name, [])) for name, sums in again.sums.items()]
    if not all(same) or not same_scores(told.guessing, again.guessing):
        yield "The outcomes of episodes are not the scores of their predictions."
    if told.classes != again.classes or not all(map(same_scores, told.class_scores, again.class_scores)):
        yield "The outcomes of classes are not those of their predictions."


def _of_curve(record: Record, commits: list[Predictions], machine: Machine) -> Iterator[str]:
    for told, commit in zip(record.curve, commits, strict=False):
        again = curve_point(commit, _metric(machine, record.benchmark.metric), told.meta_training_s)
        if not is_same(again, told):
            at = f"The curve at {told.meta_training_s!r} s"
            yield f"{at} is {shown(told)}; its predictions give {shown(again)}."


def _metric(machine: Machine, name: str) -> Metric:
    if name not in machine.metrics:
        raise ResultError(f"Metric {name!r} is unknown here. Install the extension that has it.")
    return machine.metrics[name]


def is_same(told: ScorePart | CurvePoint, again: ScorePart | CurvePoint) -> bool:
    """Are a score and its interval the same up to rounding, and over as many episodes."""
    ours, theirs = ([one.mean, one.low, one.high] for one in (told, again))
    return told.n_episodes == again.n_episodes and same_scores(ours, theirs)


def shown(told: ScorePart | CurvePoint) -> str:
    """All digits, as it may be in the later ones that records differ."""
    return f"{told.mean!r} [{told.low!r}, {told.high!r}] over {told.n_episodes} episodes"


def _of_curves_labels(predictions: Predictions, commits: list[Predictions]) -> Iterator[str]:
    for place, commit in enumerate(commits, start=1):
        if not all(map(np.array_equal, commit.labels, predictions.labels)):
            yield f"Commit {place} of the curve has other labels than the predictions."


def _of_labels(part: BenchmarkPart, predictions: Predictions, machine: Machine) -> list[str]:
    """Compare with the benchmark's own labels.

    Raises:
        NotComparableError: They are not known here.
    """
    try:
        here = drawn_again(part, len(predictions.labels), machine)
    except (ResultError, UsageError) as error:
        return [str(error)]
    labels = list(map(np.array_equal, predictions.labels, here.labels))
    classes = [one == other for one, other in zip(predictions.classes, here.classes, strict=False)]
    return [
        f"The {what} of {same.count(False)} episodes are not the benchmark's."
        for what, same in (("labels", labels), ("classes", classes))
        if not all(same)
    ]
