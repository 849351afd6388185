"""The runs of a board, scored anew from their predictions and gathered by method."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from metabench.results.files import (
    OUTCOMES_FILE,
    PREDICTIONS_FILE,
    ResultError,
    read_outcomes,
    read_predictions,
    read_scores,
)
from metabench.results.outcomes import outcomes_of
from metabench.scoring.classes import Membership

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from metabench.referee.outcome import Verdict
    from metabench.results.folder import Stored
    from metabench.results.outcomes import Outcomes
    from metabench.results.record import Record
    from metabench.scoring.metric import Metric

# The most serious first.
_VERDICTS: tuple[Verdict, ...] = ("stateful", "transductive", "not audited", "inductive")


@dataclass(frozen=True)
class Run:
    """One result, scored.

    Attributes:
        record: As it was read.
        scores: (n_episodes,) in canonical order; None if there are no predictions to score.
        guessing: (n_episodes,) what equal logits for all classes would have scored there; None likewise.
        problem: Why the predictions cannot be used; None if they can, or if there are rightly none.
    """

    record: Record
    scores: NDArray[np.float64] | None
    guessing: NDArray[np.float64] | None
    problem: str | None

    @property
    def failed_by_method(self) -> bool:
        """It failed, and the method is to blame."""
        return self.record.blame == "method" and self.problem is None

    @property
    def status(self) -> str:
        """The record's status; "damaged" where the predictions do not bear it out."""
        return "damaged" if self.problem else self.record.status


@dataclass(frozen=True)
class Method:
    """An algorithm with its backbone, and its runs by seed."""

    runs: tuple[Run, ...]

    @property
    def first(self) -> Record:
        """A record that stands for all: they have algorithm and backbone in common."""
        return self.runs[0].record

    @cached_property
    def scores(self) -> NDArray[np.float64] | None:
        """(n_seeds, n_episodes) of the seeds that have the most episodes scored; None if none has any."""
        scored = [run.scores for run in self.runs if run.scores is not None]
        longest = max(map(len, scored), default=0)
        return np.stack([one for one in scored if len(one) == longest]) if scored else None

    @property
    def coverage(self) -> float:
        """Part of the seeds' episodes that `scores` holds, 0 … 1."""
        scored = 0 if self.scores is None else self.scores.size
        return scored / (len(self.runs) * self.first.benchmark.n_episodes)

    @property
    def verdict(self) -> Verdict:
        """The most serious one of all seeds."""
        return min((run.record.audit.verdict for run in self.runs), key=_VERDICTS.index)

    @property
    def status(self) -> str:
        """The status of a single run, or how many of several are ok."""
        if len(self.runs) == 1:
            return self.runs[0].status
        return f"{sum(run.status == 'ok' for run in self.runs)} of {len(self.runs)} ok"

    def ranked_by(self, guessing: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """(n_seeds, n_episodes) scores to rank by; None where the method stands outside of the ranking.

        A seed that failed by the method's fault, and so has no scores, counts as guessing. Outside stands
        a method with scores missing for another reason, one that failed the audit, and one with a finding.

        Args:
            guessing: (n_episodes,) scores of guessing; None where nobody's predictions tell the episodes.
        """
        failures = [run.record.failure for run in self.runs if run.record.failure is not None]
        if self.verdict not in ("inductive", "not audited") or any(one.phase == "audit" for one in failures):
            return None
        n_episodes = self.first.benchmark.n_episodes
        scores = [
            run.scores if run.scores is not None and len(run.scores) == n_episodes else guessing
            for run in self.runs
            if run.failed_by_method or run.scores is not None
        ]
        found = [one for one in scores if one is not None and len(one) == n_episodes]
        return np.stack(found) if len(found) == len(self.runs) else None


def score_run(stored: Stored, metric: Metric | None) -> Run:
    """Read a result's scores, episode by episode; the mean in its record is not believed.

    Args:
        stored: The result.
        metric: The benchmark's; None if it is not installed.
    """
    record = stored.record
    if not record.files.keys() & {OUTCOMES_FILE, PREDICTIONS_FILE} and record.status != "ok":
        return Run(record, None, None, None)
    if metric is None:
        problem = f"Metric {record.benchmark.metric!r} is unknown here. Install the extension that has it."
        return Run(record, None, None, problem)
    try:
        outcomes = _outcomes(stored, metric)
    except ResultError as error:
        return Run(record, None, None, str(error))
    scores = outcomes.scores[metric.name]
    if impossible := metric.impossible(scores):
        return Run(record, None, None, impossible)
    return Run(record, scores, outcomes.guessing, None)


def _outcomes(stored: Stored, metric: Metric) -> Outcomes:
    """What came of each episode; results of old tell no more than the predictions."""
    if OUTCOMES_FILE in stored.record.files:
        return read_scores(stored.folder, stored.record)
    return outcomes_of(read_predictions(stored.folder, stored.record), [metric])


def membership(stored: Iterable[Stored]) -> Membership | None:
    """Which classes the episodes have that all results of a board were asked; None if no result tells."""
    for one in stored:
        if OUTCOMES_FILE in one.record.files:
            with suppress(ResultError):
                classes = read_outcomes(one.folder, one.record).classes
                if len(classes) == one.record.benchmark.n_episodes:
                    return Membership.of(classes)
    return None


def gather(runs: Iterable[Run]) -> list[Method]:
    """Bring the seeds of each method together.

    Where a method ran twice with one seed (say, under two versions of PyTorch), the later run counts.
    """
    by_method: dict[str, dict[int, Run]] = {}
    for run in sorted(runs, key=lambda run: run.record.started):
        by_method.setdefault(_method_key(run.record), {})[run.record.seed] = run
    return [Method(_by_seed(seeds.values())) for seeds in by_method.values()]


def _method_key(record: Record) -> str:
    parts = [record.algorithm.model_dump(), record.backbone.model_dump(), record.pretraining]
    return json.dumps(parts, sort_keys=True)


def _by_seed(runs: Iterable[Run]) -> tuple[Run, ...]:
    return tuple(sorted(runs, key=lambda run: run.record.seed))
