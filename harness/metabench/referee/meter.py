"""What a whole process tree uses, polled from outside, and what happens when it is too much."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Literal

import psutil

from metabench.clock import now
from metabench.referee.cgroup import Group
from metabench.referee.processor import Charge, ProcessorTime

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from metabench.referee.gpu import Gpus
    from metabench.referee.limits import Limits

# A look takes long where a machine has many processes: at most this part of a core is spent on looking.
_SHARE = 0.1
_LONGEST_PAUSE_S = 0.5
_MIB = 2**20
MOST_PROCESSES = 256
_NO_GROUP = Group(None)

# What the driver holds of a GPU for a few processes beside what they ask for; budgets are without it.
_DRIVERS_MIB = 1024

Breach = Literal["memory", "device memory", "processes", "processor"]


class Meter:
    """Poll what everything below a process uses, until told to stop.

    Args:
        root: The process whose descendants are metered.
        limits: What they may use together.
        end: Called once, in the meter's thread, when they use more, when they are more than
            `MOST_PROCESSES`, or when the root has ended.
        group: That they are in, if any.
        gpus: Where their memory of GPUs is told; None: nowhere.

    Attributes:
        peak_mib: The most memory that was seen in use, MiB.
        peak_device_mib: The most memory of GPUs that was seen in use, MiB; None: not measured.
        breach: What there was too much of, if there was.
        charged: Processor time since it is charged; None before.
    """

    def __init__(
        self,
        root: subprocess.Popen[bytes],
        limits: Limits,
        end: Callable[[], None],
        *,
        group: Group = _NO_GROUP,
        gpus: Gpus | None = None,
    ) -> None:
        self._root = root
        self._limits = limits
        self._end = end
        self._group = group
        self._gpus = gpus
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._poll, name="meter", daemon=True)
        self._one_at_a_time = threading.Lock()
        self._processor = ProcessorTime(root.pid)
        self._charged_from: tuple[float, float] | None = None
        self.peak_mib = 0.0
        self.peak_device_mib: float | None = None
        self.breach: Breach | None = None
        self.charged: Charge | None = None

    def start(self) -> None:
        """Begin to poll."""
        self._thread.start()

    def charge(self) -> None:
        """From now on processor time counts, and is limited."""
        self._look_at_processor(_below(self._root.pid))
        self._charged_from = now(), self._processor.seconds

    def stop(self) -> None:
        """End polling, with a last look unless the end has come already."""
        self._stop.set()
        self._thread.join()
        self.peak_mib = max(self.peak_mib, self._group.peak_mib)
        if self.breach is None and self._group.was_short_of_memory:
            self.breach = "memory"
        if self.breach is None:
            self._look_at_processor(_below(self._root.pid))

    def _poll(self) -> None:
        pause = self._limits.look_every_s
        while not self._stop.wait(pause):
            before = now()
            self.breach = self._look()
            if self.breach is not None or self._root.poll() is not None:
                self._end()
                return
            share = min((now() - before) / _SHARE, _LONGEST_PAUSE_S)
            pause = max(self._limits.look_every_s, share)

    def _look(self) -> Breach | None:
        below = _below(self._root.pid)
        self._look_at_processor(below)
        if len(below) > MOST_PROCESSES:
            return "processes"
        used = _used_mib(below)
        self.peak_mib = max(self.peak_mib, used)
        if used > self._limits.memory_mib:
            return "memory"
        if self._uses_too_much_of_gpus(below):
            return "device memory"
        return "processor" if self.charged is not None and self.charged.is_over else None

    def _uses_too_much_of_gpus(self, below: list[psutil.Process]) -> bool:
        limit_mib = self._limits.device_memory_mib
        if self._gpus is None or limit_mib is None:
            return False
        used = self._gpus.used_mib({process.pid for process in below})
        if used is None:
            return False
        self.peak_device_mib = max(self.peak_device_mib or 0.0, used)
        return used > limit_mib + _DRIVERS_MIB

    def _look_at_processor(self, below: list[psutil.Process]) -> None:
        """Both the meter's thread and its owner's look."""
        with self._one_at_a_time:
            self._processor.look(below, at_least=self._group.processor_s)
            if self._charged_from is not None:
                began, before_s = self._charged_from
                used_s = self._processor.seconds - before_s
                self.charged = Charge(used_s, now() - began, self._limits.n_threads)


def _below(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return []


def _used_mib(processes: list[psutil.Process]) -> float:
    """Resident memory; of several processes the proportional part, so that pages they share count once."""
    measure = _resident_mib if len(processes) == 1 else _proportional_mib
    return sum(measure(process) for process in processes)


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
