"""The runs of a board, scored anew from their predictions and gathered by method."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
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
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from metabench.referee.outcome import Verdict
    from metabench.results.folder import Stored
    from metabench.results.outcomes import Outcomes
    from metabench.results.record import Record
    from metabench.scoring.metric import Metric

# The most serious first.
_VERDICTS: tuple[Verdict, ...] = ("stateful", "transductive", "not audited", "inductive")
# Pairs of classes in the episodes, and how many of them may differ: more take minutes, or fill the memory.
_MOST_PAIRS, _MOST_DIFFERENT = 10**9, 10**7


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
    def status(self) -> str:
        """The record's status; "damaged" where the predictions do not bear it out."""
        return "damaged" if self.problem else self.record.status

    def ranked_by(self, guessing: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """(n_episodes,) scores to rank by, those of guessing if the method is to blame; None without any."""
        if self.scores is not None and len(self.scores) == self.record.benchmark.n_episodes:
            return self.scores
        return guessing if self.record.blame == "method" else None


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
    def intact(self) -> tuple[Run, ...]:
        """Runs that tell of the method: damaged ones anybody can send in its name. All if none is intact."""
        return tuple(run for run in self.runs if run.problem is None) or self.runs

    @property
    def verdict(self) -> Verdict:
        """The most serious one of all seeds that are intact."""
        return min((run.record.audit.verdict for run in self.intact), key=_VERDICTS.index)

    @property
    def status(self) -> str:
        """The status of a single run, or how many of several are ok."""
        if len(self.runs) == 1:
            return self.runs[0].status
        return f"{sum(run.status == 'ok' for run in self.runs)} of {len(self.runs)} ok"

    def ranked_by(self, guessing: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """(n_seeds, n_episodes) scores to rank by; None where the method stands outside of the ranking.

        A seed that failed by the method's fault, and so has no scores, counts as guessing. One that is
        damaged does not count. Outside stands a method with scores missing for another reason, one without
        an intact seed, one that failed the audit, and one with a finding.

        Args:
            guessing: (n_episodes,) scores of guessing; None where nobody's predictions tell the episodes.
        """
        failures = [run.record.failure for run in self.intact if run.record.failure is not None]
        if self.verdict not in ("inductive", "not audited") or any(one.phase == "audit" for one in failures):
            return None
        scores = [run.ranked_by(guessing) for run in self.intact if run.problem is None]
        found = [one for one in scores if one is not None]
        return np.stack(found) if found and len(found) == len(scores) else None


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
                if len(classes) == one.record.benchmark.n_episodes and _are_bearable(classes):
                    return Membership.of(classes)
    return None


def _are_bearable(classes: Sequence[Sequence[str]]) -> bool:
    n_pairs, n_classes = sum(len(one) ** 2 for one in classes), len(set(chain.from_iterable(classes)))
    return n_pairs <= _MOST_PAIRS and min(n_pairs, n_classes**2) <= _MOST_DIFFERENT


def gather(runs: Iterable[Run]) -> list[Method]:
    """Bring the seeds of each method together.

    Where a method ran twice with one seed (say, under two versions of PyTorch), the later run counts; a
    damaged one takes no intact one's place.
    """
    by_method: dict[str, dict[int, Run]] = {}
    for run in sorted(runs, key=lambda run: (run.problem is None, run.record.started)):
        by_method.setdefault(_method_key(run.record), {})[run.record.seed] = run
    return [Method(_by_seed(seeds.values())) for seeds in by_method.values()]


def _method_key(record: Record) -> str:
    parts = [record.algorithm.model_dump(), record.backbone.model_dump(), record.pretraining]
    return json.dumps(parts, sort_keys=True)


def _by_seed(runs: Iterable[Run]) -> tuple[Run, ...]:
    return tuple(sorted(runs, key=lambda run: run.record.seed))
