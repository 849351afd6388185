"""Memory of a whole process tree, polled from outside, and what happens when it is too much."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_S = 0.05
_MIB = 2**20


class Meter:
    """Poll the memory of everything below a process until told to stop.

    Args:
        root_pid: The process whose descendants are metered.
        limit_mib: What they may use together, MiB.
        on_breach: Called once, in the meter's thread, when they use more.
    """

    def __init__(self, root_pid: int, limit_mib: int, on_breach: Callable[[], None]) -> None:
        self._root_pid = root_pid
        self._limit_mib = limit_mib
        self._on_breach = on_breach
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="meter", daemon=True)
        self.peak_mib = 0.0
        self.is_breached = False

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def stop(self) -> None:
        """End polling."""
        self._stop.set()
        self._thread.join()

    def _poll(self) -> None:
        while not self._stop.wait(POLL_S):
            used = _used_mib(self._root_pid, self._limit_mib)
            self.peak_mib = max(self.peak_mib, used)
            if used > self._limit_mib:
                self.is_breached = True
                self._on_breach()
                return


def _used_mib(root_pid: int, limit_mib: int) -> float:
    """Resident memory of all descendants; shared pages count once where it matters."""
    try:
        below = psutil.Process(root_pid).children(recursive=True)
    except psutil.Error:
        return 0.0
    resident = sum(_resident_mib(process) for process in below)
    # The proportional size is exact for forks that share pages, but slow to ask for.
    return resident if resident <= limit_mib else sum(_proportional_mib(process) for process in below)


def _resident_mib(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / _MIB
    except psutil.Error:
        return 0.0


def _proportional_mib(process: psutil.Process) -> float:
    try:
        full = process.memory_full_info()
    except psutil.Error:
        return 0.0
    return float(getattr(full, "pss", full.rss)) / _MIB
