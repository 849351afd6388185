"""Progress of a sweep: a live display on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from metabench.hooks import hookimpl
from metabench.referee.events import Listener

if TYPE_CHECKING:
    from metabench.referee.outcome import Phase
    from metabench.results.record import Record
    from metabench.spec.plan import RunPlan
    from metabench.wire.reports import Progress

_LINE_EVERY = 0.25


@hookimpl
def metabench_listeners() -> list[Listener]:
    """Declare the listener."""
    return [PlainProgress()]


class PlainProgress(Listener):
    """One line per event that matters, a few while a run meta-trains."""

    def __init__(self) -> None:
        self._n_runs = self._n_ended = self._n_failed = 0
        self._next_line: dict[RunPlan, float] = {}

    def sweep_started(self, n_runs: int, n_done: int) -> None:  # noqa: D102
        self._n_runs = n_runs
        _say(f"{n_runs} runs, {n_done} of them done already")

    def run_started(self, plan: RunPlan) -> None:  # noqa: D102
        self._next_line[plan] = _LINE_EVERY

    def phase_started(self, plan: RunPlan, phase: Phase) -> None:  # noqa: D102
        _say(f"{_name(plan)}: {phase}")

    def meta_training(self, plan: RunPlan, progress: Progress) -> None:  # noqa: D102
        if progress.fraction >= self._next_line.get(plan, _LINE_EVERY):
            self._next_line[plan] = progress.fraction + _LINE_EVERY
            validation = (
                "" if progress.validation is None else f", meta_val {100 * progress.validation:.1f} %"
            )
            spent = f"{100 * progress.fraction:.0f} % of {plan.budget.name}"
            _say(f"{_name(plan)}: {spent}, {progress.episodes} episodes{validation}")

    def run_finished(self, plan: RunPlan, record: Record) -> None:  # noqa: D102
        self._n_ended += 1
        self._n_failed += record.status != "ok"
        score = f", {record.scores[0].metric} {100 * record.scores[0].mean:.2f} %" if record.scores else ""
        left = self._n_runs - self._n_ended
        counts = f"{self._n_ended} runs ended, {self._n_failed} failed, {left} left"
        _say(f"{_name(plan)}: {record.status}{score} ({counts})")


def _name(plan: RunPlan) -> str:
    return f"{plan.benchmark.name} {plan.algorithm.plugin.name} seed {plan.seed}"


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
