"""How fast this machine is at the moment, by standard pieces of work in a process of our own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Self

from metabench.clock import now
from metabench.referee.enclosure import Enclosure
from metabench.referee.limits import Limits
from metabench.referee.outcome import RunError
from metabench.referee.process import ContestantProcess
from metabench.wire.message import Message, WireError
from metabench.wire.reports import Bench, Timings, hear, say

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import TracebackType

_LIMIT_S = 60.0
# The end of one run is the begin of the next: what was measured so lately is not measured again.
_RECENT_S = 5.0
# Nothing watches over it but for the memory that it does not use; between runs it sleeps.
_LOOK_EVERY_S = 10.0


class Calibrator:
    """Times standard work, in a process that is started when it is first needed and kept between runs.

    A context manager. Runs at once share it: one of them measures at a time. A copy of it, as executors
    send to other machines, starts a process there.
    """

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process: ContestantProcess | None = None
        self._bench: Bench | None = None
        self._latest: tuple[float, Mapping[str, float] | None] | None = None

    def __enter__(self) -> Self:
        """Start nothing yet."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the process."""
        self._stop()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()

    def measure(self, bench: Bench) -> Mapping[str, float] | None:
        """Seconds of each standard piece of work by name; None where it cannot be done.

        Args:
            bench: What it is done with.
        """
        with self._one_at_a_time:
            if bench != self._bench:
                self._stop()
                self._bench, self._latest = bench, None
            if self._latest is None or now() - self._latest[0] > _RECENT_S:
                timings = self._time(bench)
                self._latest = now(), timings
            return self._latest[1]

    def _time(self, bench: Bench) -> Mapping[str, float] | None:
        try:
            process = self._process or self._start(bench)
            process.send(Message("again"))
            answer = process.expect("timings", within_s=_LIMIT_S, doing="calibrating")
            return hear(answer, Timings).seconds
        except (RunError, WireError, OSError):
            # The next run tries it anew.
            self._stop()
            return None

    def _start(self, bench: Bench) -> ContestantProcess:
        limits = Limits(memory_mib=8192, n_threads=bench.n_threads, seed=0, look_every_s=_LOOK_EVERY_S)
        self._process = ContestantProcess(limits, "start", Enclosure(device=bench.device)).__enter__()
        self._process.send(say("calibrate", bench))
        self._process.expect("ready", within_s=limits.startup_s, doing="starting to calibrate")
        return self._process

    def _stop(self) -> None:
        if self._process is not None:
            self._process.stop()
            self._process = None
