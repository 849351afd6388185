"""A contestant's process, from outside: started under a guard, metered, spoken to, stopped."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from metabench.referee import guard
from metabench.referee.meter import Meter
from metabench.referee.outcome import Ending, RunError
from metabench.wire.channel import Channel, PeerGoneError
from metabench.wire.message import Message, WireError
from metabench.wire.reports import Failure, hear

if TYPE_CHECKING:
    from types import TracebackType

    from metabench.referee.outcome import Phase, Status

STARTUP_LIMIT_S = 120.0
_STOP_LIMIT_S = 10.0
_SEND_LIMIT_S = 60.0
_TAIL_BYTES = 4096
_MIB = 2**20
# What a process may map beyond what it may use: libraries and allocators map far more than they touch.
_MAPPED_BEYOND = 2048 * _MIB
_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "SYSTEMROOT", "LANG", "LC_ALL")


@dataclass(frozen=True)
class Limits:
    """What a contestant process gets.

    Attributes:
        memory_mib: Memory of all its processes together, MiB.
        n_threads: Threads that it computes with.
        seed: For the hashes of its interpreter.
    """

    memory_mib: int
    n_threads: int
    seed: int


class ContestantProcess:
    """A contestant under guard; a context manager that leaves no process behind.

    Whatever the contestant does, the methods raise nothing but `RunError`, and that names the status
    of the run that it means.

    Args:
        limits: What it gets.
        phase: The phase of the run, for failures; the caller may change it.
    """

    def __init__(self, limits: Limits, phase: Phase) -> None:
        self.phase: Phase = phase
        self._limits = limits
        self._tail = b""
        self._letting_go = threading.Lock()
        self._ending: Ending | None = None
        self._failures: list[RunError] = []

    def __enter__(self) -> Self:
        """Start the process; it imports while the caller goes on."""
        ours, theirs = socket.socketpair()
        control_read, self._control = os.pipe()
        self._report, report_write = os.pipe()
        stderr_read, stderr_write = os.pipe()
        folder = tempfile.mkdtemp(prefix="metabench-")
        passed = (control_read, report_write, theirs.fileno(), stderr_write)
        memory_bytes = self._limits.memory_mib * _MIB + _MAPPED_BEYOND
        contestant = [sys.executable, "-P", "-u", "-m", "metabench.contestant", str(theirs.fileno())]
        guarding = [sys.executable, "-I", "-S", guard.__file__, str(control_read), str(report_write), folder]
        self._guard = subprocess.Popen(  # noqa: S603 - composed of our own parts
            [*guarding, str(memory_bytes), str(theirs.fileno()), *contestant],
            stdin=subprocess.DEVNULL,
            stdout=stderr_write,
            stderr=stderr_write,
            env=self._environment(folder),
            pass_fds=passed,
            start_new_session=True,
        )
        for descriptor in (control_read, report_write, stderr_write):
            os.close(descriptor)
        theirs.close()
        self._channel = Channel(ours, max_bytes=self._limits.memory_mib * _MIB)
        self._reader = threading.Thread(target=self._read_output, args=(stderr_read,), daemon=True)
        self._reader.start()
        self._meter = Meter(self._guard.pid, self._limits.memory_mib, self._let_go)
        self._meter.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop whatever runs."""
        self.stop()

    @property
    def peak_mib(self) -> float:
        """The most memory that was seen in use, MiB."""
        return self._meter.peak_mib

    def failed(self, status: Status, message: str) -> RunError:
        """Make the failure that ends the phase; it learns how the process ended when that has stopped."""
        failure = RunError(status, message, self.phase)
        failure.ending = self._ending
        self._failures.append(failure)
        return failure

    def send(self, message: Message) -> None:
        """Send a message.

        Raises:
            RunError: The contestant is gone or does not read.
        """
        try:
            self._channel.send(message, within_s=_SEND_LIMIT_S)
        except PeerGoneError:
            self._receive_last_words()
        except TimeoutError as error:
            raise self.failed("timeout", f"does not read its messages within {_SEND_LIMIT_S:g} s") from error

    def receive(self, *, within_s: float) -> Message:
        """Receive the next message; "failed" becomes the failure that it tells of.

        Raises:
            RunError: The contestant failed, is gone, or sent what is no message.
            TimeoutError: Nothing came in time.
        """
        try:
            message = self._channel.receive(within_s=within_s)
            if message.kind == "failed":
                failure = hear(message, Failure)
                raise self.failed(failure.status, failure.message)
        except PeerGoneError as error:
            raise self._explain_end() from error
        except WireError as error:
            raise self.failed("protocol_violation", f"sends {error}") from error
        return message

    def expect(self, kind: str, *, within_s: float, doing: str) -> Message:
        """Receive a message of one kind.

        Raises:
            RunError: Another kind, a failure, or nothing in time; `doing` says with what it was late.
        """
        try:
            message = self.receive(within_s=within_s)
        except TimeoutError as error:
            raise self.failed("timeout", f"{doing} takes more than {within_s:g} s") from error
        if message.kind != kind:
            raise self.failed("protocol_violation", f"sends {message.kind[:40]!r}; {kind!r} was expected")
        return message

    def stop(self) -> Ending:
        """Kill what still runs, wait until nothing is left, and say how the process ended."""
        if self._ending is not None:
            return self._ending
        self._meter.stop()
        self._let_go()
        try:
            self._guard.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._channel.close()
        self._reader.join(_STOP_LIMIT_S)
        told = os.read(self._report, 64).decode()
        os.close(self._report)
        self._ending = _read_ending(told, self._tail)
        for failure in self._failures:
            failure.ending = self._ending
        return self._ending

    def _let_go(self) -> None:
        """Close the control pipe: the guard kills everything."""
        with self._letting_go:
            if self._control >= 0:
                os.close(self._control)
            self._control = -1

    def _receive_last_words(self) -> None:
        """The connection is broken: a failure that was sent before says more than that.

        Raises:
            RunError: Always.
        """
        try:
            while True:
                self.receive(within_s=1.0)
        except TimeoutError as error:
            raise self._explain_end() from error

    def _explain_end(self) -> RunError:
        ending = self.stop()
        if self._meter.is_breached:
            limit = self._limits.memory_mib
            failure = self.failed(
                "out_of_memory",
                f"uses more memory than {limit} MiB; lower what it holds or take a larger budget",
            )
        elif ending.signal is not None:
            failure = self.failed("crashed", f"its process was ended by {ending.signal}")
        else:
            failure = self.failed(
                "crashed", f"its process ended without a word (exit code {ending.exit_code})"
            )
        return failure

    def _read_output(self, descriptor: int) -> None:
        """Keep the end of what is printed, however much it is."""
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 16):
                self._tail = (self._tail + chunk)[-_TAIL_BYTES:]

    def _environment(self, folder: str) -> dict[str, str]:
        """The contestant's environment: nothing that tells of this machine's data."""
        threads = str(self._limits.n_threads)
        return {
            **{name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            "HOME": folder,
            "TMPDIR": folder,
            "OMP_NUM_THREADS": threads,
            "MKL_NUM_THREADS": threads,
            "OPENBLAS_NUM_THREADS": threads,
            "PYTHONHASHSEED": str(self._limits.seed % 2**32),
            "CUBLAS_WORKSPACE_CONFIG": ":4096:8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "HF_HUB_OFFLINE": "1",
        }


def _read_ending(told: str, tail: bytes) -> Ending:
    """Read what the guard reported."""
    word, _, number = told.partition(" ")
    text = tail.decode(errors="replace")
    if word == "exit":
        return Ending(int(number), None, text)
    if word == "signal":
        return Ending(None, signal.Signals(int(number)).name, text)
    return Ending(None, None, text)
