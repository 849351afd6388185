"""Progress of a sweep: a live display on a terminal, plain lines elsewhere; always on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Display

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
    """Declare the listener that fits where stderr goes."""
    return [LiveProgress() if sys.stderr.isatty() else PlainProgress()]


class _Counting(Listener):
    """Counts the runs of a sweep; there may be one after the other."""

    def __init__(self) -> None:
        self._n_runs = self._n_ended = self._n_failed = 0

    def sweep_started(self, n_runs: int, n_done: int) -> None:
        self._n_runs, self._n_ended, self._n_failed = n_runs, 0, 0
        self._say(f"{n_runs} run(s), {n_done} done already")

    def run_finished(self, plan: RunPlan, record: Record) -> None:
        self._n_ended += 1
        self._n_failed += record.status != "ok"
        score = f", {record.scores[0].metric} {100 * record.scores[0].mean:.2f} %" if record.scores else ""
        self._say(f"{_name(plan)}: {record.status}{score} ({self._counts()})")

    def _counts(self) -> str:
        left = self._n_runs - self._n_ended
        return f"{self._n_ended} runs ended, {self._n_failed} failed, {left} left"

    def _say(self, line: str) -> None:
        raise NotImplementedError


class PlainProgress(_Counting):
    """One line per event that matters, a few while a run meta-trains."""

    def __init__(self) -> None:
        super().__init__()
        self._next_line: dict[RunPlan, float] = {}

    def phase_started(self, plan: RunPlan, phase: Phase) -> None:  # noqa: D102
        self._next_line[plan] = _LINE_EVERY
        self._say(f"{_name(plan)}: {phase}")

    def meta_training(self, plan: RunPlan, progress: Progress) -> None:  # noqa: D102
        if progress.fraction >= self._next_line[plan]:
            self._next_line[plan] = progress.fraction + _LINE_EVERY
            self._say(
                f"{_name(plan)}: {100 * progress.fraction:.0f} % of {plan.budget.name}, {_detail(progress)}"
            )

    def _say(self, line: str) -> None:
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


class LiveProgress(_Counting):
    """A bar for the sweep and one for each run that is under way."""

    def __init__(self) -> None:
        super().__init__()
        self._display = Display(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=Console(stderr=True),
            transient=True,
        )
        self._bars: dict[RunPlan, TaskID] = {}

    def sweep_started(self, n_runs: int, n_done: int) -> None:  # noqa: D102
        super().sweep_started(n_runs, n_done)
        self._display.start()
        self._sweep = self._display.add_task("all runs", total=n_runs, detail=self._counts())

    def phase_started(self, plan: RunPlan, phase: Phase) -> None:  # noqa: D102
        self._drop_bar(plan)
        total = plan.benchmark.n_episodes if phase == "test" else 1.0
        self._bars[plan] = self._display.add_task(f"{_name(plan)}: {phase}", total=total, detail="")

    def meta_training(self, plan: RunPlan, progress: Progress) -> None:  # noqa: D102
        detail = f"of {plan.budget.name}, {_detail(progress)}"
        self._display.update(self._bars[plan], completed=min(1.0, progress.fraction), detail=detail)

    def tested(self, plan: RunPlan, n_episodes: int) -> None:  # noqa: D102
        self._display.update(self._bars[plan], completed=n_episodes, detail=f"{n_episodes} episodes")

    def run_finished(self, plan: RunPlan, record: Record) -> None:  # noqa: D102
        self._drop_bar(plan)
        super().run_finished(plan, record)
        self._display.update(self._sweep, advance=1, detail=self._counts())

    def sweep_finished(self) -> None:  # noqa: D102
        self._display.remove_task(self._sweep)
        self._display.stop()

    def _drop_bar(self, plan: RunPlan) -> None:
        if plan in self._bars:
            self._display.remove_task(self._bars.pop(plan))

    def _say(self, line: str) -> None:
        self._display.console.print(line, markup=False, highlight=False)


def _name(plan: RunPlan) -> str:
    return f"{plan.benchmark.name} {plan.algorithm.plugin.name} seed {plan.seed}"


def _detail(progress: Progress) -> str:
    validation = "" if progress.validation is None else f", meta_val {100 * progress.validation:.1f} %"
    return f"{progress.episodes} episodes{validation}"
