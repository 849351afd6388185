"""Produce the result of a plan: find it, or run it and store what came out."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from metabench.referee.disguise import disguise, fingerprint, secret_stream
from metabench.referee.outcome import BLAME, Ending, Outcome, RunError
from metabench.referee.run import Match, referee_run
from metabench.results.arena import arena_key
from metabench.results.assemble import Circumstances, Planned, assemble
from metabench.results.calibration import calibration_part
from metabench.results.files import contents_of
from metabench.results.folder import find_result, identity_lock, write_result
from metabench.results.score import score_outcome
from metabench.wire.reports import Bench

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.places import Places
    from metabench.episodes.stream import Stream
    from metabench.referee.calibration import Calibrator
    from metabench.referee.events import Listener
    from metabench.results.arena import Arena, ArenaKey
    from metabench.results.record import Record
    from metabench.results.score import Scored
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric
    from metabench.spec.plan import RunPlan

# Of a run that the harness or its machine fails; what a method fails at is not tried again.
ATTEMPTS = 3


@dataclass(frozen=True)
class Producer:
    """Everything that runs of a sweep share.

    Attributes:
        arenas: The benchmarks made ready, by name and, for texts, tokenizer and model.
        metrics: By name.
        pooled: Pooled metrics by name.
        results: Folder of results.
        places: Where data lies, and this machine's key.
        listener: Is told what happens.
        calibrator: Tells how fast this machine is around a run; None: nobody does.
    """

    arenas: Mapping[ArenaKey, Arena]
    metrics: Mapping[str, Metric]
    pooled: Mapping[str, PooledMetric]
    results: Path
    places: Places
    listener: Listener
    calibrator: Calibrator | None = None

    def stored(self, plan: RunPlan) -> Record | None:
        """The result of a plan, if it is there and need not be made again."""
        record = find_result(self.results, self._planned(plan).identity)
        return record if record is not None and is_final(record) else None

    def produce(self, plan: RunPlan) -> Record:
        """Find the result of a plan, or make it; two processes never make the same one.

        Raises:
            ResultError: The results folder cannot be written.
        """
        planned = self._planned(plan)
        with identity_lock(self.results, planned.identity):
            record = self.stored(plan)
            if record is None:
                self.listener.run_started(plan)
                record = self._run(planned)
            self.listener.run_finished(plan, record)
        return record

    def _run(self, planned: Planned) -> Record:
        started = datetime.now(UTC).isoformat(timespec="seconds")
        secret = secret_stream(self.places.home, planned.identity)
        before = self._measure(planned.plan)
        outcome = self._outcome(planned, secret)
        calibration = calibration_part(before, self._measure(planned.plan))
        circumstances = Circumstances(started, fingerprint(secret), calibration)
        scored = score_outcome(outcome, planned.arena, self.metrics, self.pooled)
        record = assemble(planned, outcome, scored, circumstances)
        write_result(self.results, record, _contents(scored, outcome.weights))
        stored = find_result(self.results, planned.identity)
        assert stored is not None
        return stored

    def _outcome(self, planned: Planned, secret: Stream) -> Outcome:
        questions = disguise(planned.arena.episodes, secret)
        hidden = (self.results, *self.places.folders)
        match = Match(planned.plan, planned.arena.dataset, questions, self.listener, hidden)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return referee_run(match)
            except Exception as error:
                failed = _harness_error(error, attempt)
        return failed

    def _measure(self, plan: RunPlan) -> Mapping[str, float] | None:
        """How fast the machine is, where that matters: the seconds of other budgets buy nothing."""
        if self.calibrator is None or plan.budget.seconds is None:
            return None
        return self.calibrator.measure(Bench(device=plan.device, n_threads=plan.n_threads))

    def _planned(self, plan: RunPlan) -> Planned:
        return Planned.of(plan, self.arenas[arena_key(plan)])


def is_final(record: Record) -> bool:
    """A result stands unless the infrastructure or the user ended the run.

    Nor does a plugin's error stand: what it misses may have been installed since, which its source does
    not show.
    """
    return record.status != "plugin_error" and BLAME[record.status] in ("nobody", "method")


def _contents(scored: Scored, weights: NDArray[np.uint8] | None) -> dict[str, bytes]:
    """What is stored of a run beside its record."""
    return contents_of(
        scored.predictions,
        None if weights is None else weights.tobytes(),
        outcomes=scored.outcomes,
        commits=[answers for _, answers in scored.commits],
    )


def _harness_error(error: Exception, attempt: int) -> Outcome:
    failure = RunError("harness_error", f"{type(error).__name__}: {error} (attempt {attempt})", "start")
    failure.ending = Ending(None, None, "".join(traceback.format_exception(error))[-4096:])
    return Outcome.of_nothing(failure)
