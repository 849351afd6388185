"""What happens while runs are executed, for whoever listens: progress displays, trackers."""

from __future__ import annotations

import threading
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metabench.referee.outcome import Phase
    from metabench.results.record import Record
    from metabench.spec.plan import RunPlan
    from metabench.wire.reports import Progress

# What listeners get to come to their end after a sweep.
PATIENCE_S = 30.0


class Listener:
    """Base of all listeners; each method does nothing unless overridden.

    Runs of a sweep may be executed at once, in threads; a listener's methods are called one at a time.
    """

    def sweep_started(self, n_runs: int, n_done: int) -> None:
        """A sweep begins.

        Args:
            n_runs: Its runs.
            n_done: Those whose results are there already.
        """

    def run_started(self, plan: RunPlan) -> None:
        """A run begins."""

    def phase_started(self, plan: RunPlan, phase: Phase) -> None:
        """A run enters its next phase."""

    def meta_training(self, plan: RunPlan, progress: Progress) -> None:
        """The contestant reports how far it is."""

    def tested(self, plan: RunPlan, n_episodes: int) -> None:
        """So many meta_test episodes have been answered by now."""

    def run_finished(self, plan: RunPlan, record: Record) -> None:
        """A run has ended, well or not, and its result is stored."""

    def sweep_finished(self) -> None:
        """All runs have ended."""


class Broadcast(Listener):
    """Tells several listeners, one event at a time; one that raises is reported and told no more.

    They are told in a thread of its own: a tracker that waits for its server must not hold up a referee
    that waits for a commit. The end of the sweep waits until all has been told, though not for ever.

    Args:
        listeners: Who is told.
        report: Is given one line about a listener that raised.
    """

    def __init__(self, listeners: Sequence[Listener], report: Callable[[str], None]) -> None:
        self._listeners = list(listeners)
        self._report = report
        self._events: SimpleQueue[Callable[[], None]] = SimpleQueue()
        threading.Thread(target=self._work, name="listeners", daemon=True).start()

    def sweep_started(self, n_runs: int, n_done: int) -> None:  # noqa: D102
        self._tell(lambda one: one.sweep_started(n_runs, n_done))

    def run_started(self, plan: RunPlan) -> None:  # noqa: D102
        self._tell(lambda one: one.run_started(plan))

    def phase_started(self, plan: RunPlan, phase: Phase) -> None:  # noqa: D102
        self._tell(lambda one: one.phase_started(plan, phase))

    def meta_training(self, plan: RunPlan, progress: Progress) -> None:  # noqa: D102
        self._tell(lambda one: one.meta_training(plan, progress))

    def tested(self, plan: RunPlan, n_episodes: int) -> None:  # noqa: D102
        self._tell(lambda one: one.tested(plan, n_episodes))

    def run_finished(self, plan: RunPlan, record: Record) -> None:  # noqa: D102
        self._tell(lambda one: one.run_finished(plan, record))

    def sweep_finished(self) -> None:  # noqa: D102
        self._tell(lambda one: one.sweep_finished())
        told = threading.Event()
        self._events.put(told.set)
        if not told.wait(PATIENCE_S):
            self._report(f"A listener has not come to its end within {PATIENCE_S:g} s; it is left behind.")

    def _tell(self, event: Callable[[Listener], None]) -> None:
        self._events.put(partial(self._tell_all, event))

    def _work(self) -> None:
        while True:
            self._events.get()()

    def _tell_all(self, event: Callable[[Listener], None]) -> None:
        for listener in list(self._listeners):
            try:
                event(listener)
            except Exception as error:
                self._listeners.remove(listener)
                name = type(listener).__name__
                self._report(f"Listener {name!r} raises {type(error).__name__}: {error}; it is told no more.")
