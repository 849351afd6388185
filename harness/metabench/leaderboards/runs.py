"""The runs of a board, scored anew from their predictions and gathered by method."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.results.files import PREDICTIONS_FILE, ResultError, read_predictions
from metabench.scoring.metric import score_episodes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from metabench.referee.outcome import Verdict
    from metabench.results.folder import Stored
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
        problem: Why the predictions cannot be used; None if they can, or if there are rightly none.
    """

    record: Record
    scores: NDArray[np.float64] | None
    problem: str | None

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

    @property
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

    @property
    def earns_rank(self) -> bool:
        """Is it scored whole, and audited without a finding (or not at all, but not for failing it)."""
        failures = [run.record.failure for run in self.runs if run.record.failure is not None]
        return (
            self.coverage == 1.0
            and self.verdict in ("inductive", "not audited")
            and all(failure.phase != "audit" for failure in failures)
        )


def score_run(stored: Stored, metric: Metric | None) -> Run:
    """Score a result's predictions; the mean in its record is not believed.

    Args:
        stored: The result.
        metric: The benchmark's; None if it is not installed.
    """
    record = stored.record
    if PREDICTIONS_FILE not in record.files and record.status != "ok":
        return Run(record, None, None)
    if metric is None:
        problem = f"Metric {record.benchmark.metric!r} is unknown here. Install the extension that has it."
        return Run(record, None, problem)
    try:
        predictions = read_predictions(stored.folder, record)
    except ResultError as error:
        return Run(record, None, str(error))
    return Run(record, score_episodes(metric, predictions.logits, predictions.labels), None)


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
