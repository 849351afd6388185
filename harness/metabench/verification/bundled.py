"""Level 1 of a bundle: do its outcomes give the record's scores, and are they of the benchmark's episodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.agreement import same_scores
from metabench.errors import UsageError
from metabench.results.bundle import left_out
from metabench.results.files import OUTCOMES_FILE, ResultError, read_outcomes
from metabench.results.score import score_parts
from metabench.scoring.metric import score_episodes
from metabench.verification.episodes import NotComparableError, drawn_again
from metabench.verification.finding import Finding
from metabench.verification.rescored import is_same, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from metabench.results.arena import Arena
    from metabench.results.folder import Stored
    from metabench.results.outcomes import Outcomes
    from metabench.results.record import Record
    from metabench.scoring.metric import Metric
    from metabench.verification.machine import Machine


def check_outcomes(stored: Stored, machine: Machine) -> Finding:
    """Compute all scores again from the outcomes, and draw the benchmark's episodes again.

    Scores must be the same up to rounding, and so must what guessing scores in each episode, which tells
    how many classes and queries it has.

    Args:
        stored: The result.
        machine: With its metric; without its dataset, episodes are not compared.
    """
    record = stored.record
    if OUTCOMES_FILE not in record.files:
        return Finding(1, "", remarks=(f"Nothing was scored, as its status is {record.status!r}.",))
    try:
        outcomes = read_outcomes(stored.folder, record)
    except ResultError as error:
        return Finding(1, "outcomes", (str(error),))
    checked = "its score, from its outcomes, up to rounding"
    problems = [*_of_scores(record, outcomes, machine)]
    remarks = [*_about_predictions(stored), *_about_metrics(outcomes, machine)]
    try:
        problems += _of_episodes(record, outcomes, machine)
        compared = "classes" if outcomes.classes else "guessed scores"
        checked += f"; the {compared} of {len(outcomes.guessing)} episodes"
    except NotComparableError as error:
        remarks.append(f"Episodes are not compared: {error}")
    return Finding(1, checked, tuple(problems), tuple(remarks))


def _of_scores(record: Record, outcomes: Outcomes, machine: Machine) -> Iterator[str]:
    try:
        again = {part.metric: part for part in score_parts(outcomes, machine.pooled)}
    except ValueError as error:
        yield f"There are {error}."
        return
    for told in record.scores:
        if told.metric in outcomes.sums.keys() - machine.pooled.keys():
            continue
        part = again.pop(told.metric, None)
        if part is None:
            yield f"{told.metric} is {shown(told)}; no outcomes give it."
        elif not is_same(part, told):
            yield f"{told.metric} is {shown(told)}; its outcomes give {shown(part)}."
    for name in again:
        yield f"There are outcomes by {name!r}; its record tells of no such score."
    for name, scores in outcomes.scores.items():
        if name in machine.metrics and (problem := machine.metrics[name].impossible(scores)):
            yield problem


def _about_metrics(outcomes: Outcomes, machine: Machine) -> list[str]:
    return [
        f"Metric {name!r} is not compared: install the extension that has it."
        for name in sorted(outcomes.sums.keys() - machine.pooled.keys())
    ]


def _about_predictions(stored: Stored) -> list[str]:
    if not left_out(stored.folder, stored.record):
        return []
    return ["Outcomes and curve are not compared with predictions, as these were left out."]


def _of_episodes(record: Record, outcomes: Outcomes, machine: Machine) -> list[str]:
    """Compare with the benchmark's own episodes.

    Raises:
        NotComparableError: They are not known here.
    """
    part = record.benchmark
    if part.metric not in machine.metrics:
        raise NotComparableError(
            f"metric {part.metric!r} is unknown here. Install the extension that has it."
        )
    try:
        here = drawn_again(part, len(outcomes.guessing), machine)
    except (ResultError, UsageError) as error:
        return [str(error)]
    classes = [one == other for one, other in zip(outcomes.classes, here.classes, strict=False)]
    guessing = list(map(same_scores, outcomes.guessing, _guessing(here, machine.metrics[part.metric])))
    return [
        f"The {what} of {len(same) - int(np.sum(same))} episodes are not the benchmark's."
        for what, same in (("classes", classes), ("guessed scores", guessing))
        if not np.all(same)
    ]


def _guessing(arena: Arena, metric: Metric) -> NDArray[np.float64]:
    """(n_episodes,) what equal logits for all classes score."""
    shapes = ((len(labels), len(names)) for labels, names in zip(arena.labels, arena.classes, strict=True))
    return score_episodes(metric, [np.zeros(shape, np.float32) for shape in shapes], arena.labels)
