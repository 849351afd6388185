"""What happens while runs are executed, for whoever listens: progress displays, trackers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabench.referee.outcome import Phase
    from metabench.results.record import Record
    from metabench.spec.plan import RunPlan
    from metabench.wire.reports import Progress


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
