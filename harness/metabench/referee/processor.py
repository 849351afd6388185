"""Processor time of a whole process tree, and how much of it a contestant may use."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

# Beyond its threads' full use of the clock: what others of its threads do beside them, and what a burst
# may take, as computing ends when the clock does but not before.
_MARGIN = 1.05
GRACE_S = 2.0


@dataclass(frozen=True)
class Charge:
    """Processor time that a contestant has used since it was charged.

    Attributes:
        used_s: Of all its processes, on all cores, seconds.
        elapsed_s: On the referee's clock meanwhile.
        n_threads: Threads that it may compute with.
    """

    used_s: float
    elapsed_s: float
    n_threads: int

    @property
    def allowed_s(self) -> float:
        """What so many threads can use, with a grace."""
        return self.n_threads * (_MARGIN * self.elapsed_s + GRACE_S)

    @property
    def is_over(self) -> bool:
        """More threads have computed than it may use, whatever it says of itself."""
        return self.used_s > self.allowed_s

    @property
    def complaint(self) -> str:
        """What is said of a contestant that has used too much."""
        return (
            f"uses {self.used_s:.1f} s of processor time within {self.elapsed_s:.1f} s; its budget is "
            f"{self.n_threads} at once, {self.allowed_s:.1f} s by then. Start fewer threads and processes"
        )


class ProcessorTime:
    """Seconds of processor time, user and system, of everything below a process, whether living or not.

    Two sums are at most that, and the larger counts. What the living have used with the children that they
    have waited for: it misses children that nobody waits for, as where SIGCHLD is ignored. And what each
    process had used when it was last seen: it misses all that is done between that and its end. So only
    short-lived processes that nobody waits for are missed, and not where a group counts them.

    Args:
        root: The process above them, living.
    """

    def __init__(self, root: int) -> None:
        self.seconds = 0.0
        self._root = psutil.Process(root)
        self._seen: dict[psutil.Process, float] = {}
        self._gone_s = 0.0

    def look(self, below: Sequence[psutil.Process], *, at_least: float = 0.0) -> None:
        """Look again.

        Args:
            below: What is alive, parents before their children: one that ends meanwhile is then missed
                until the next look, where else it would count twice.
            at_least: Seconds that are known otherwise.
        """
        waited_for_s = _of_children(self._root)
        own: dict[psutil.Process, float] = {}
        for process in (*below, *self._hidden(below)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                own[process] = times.user + times.system
                waited_for_s += times.children_user + times.children_system
        living_s = sum(own.values())
        self._gone_s += sum(used_s for process, used_s in self._seen.items() if process not in own)
        self._seen = own
        self.seconds = max(self.seconds, living_s + waited_for_s, living_s + self._gone_s, at_least)

    def _hidden(self, below: Sequence[psutil.Process]) -> list[psutil.Process]:
        """What was seen and is alive, but not found this time, as it has just lost its parent."""
        found = set(below)
        return [process for process in self._seen if process not in found and process.is_running()]


def _of_children(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.children_user + times.children_system)
