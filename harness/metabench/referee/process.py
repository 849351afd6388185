"""A contestant's process, from outside: started under a guard, metered, spoken to, stopped."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Self

from metabench.clock import now
from metabench.referee import guard
from metabench.referee.cgroup import Group, find_parent
from metabench.referee.enclosure import Enclosure, environment
from metabench.referee.gpu import find_gpus
from metabench.referee.meter import MOST_PROCESSES, Meter
from metabench.referee.orphans import adopt_orphans, kill_orphans
from metabench.referee.outcome import Ending, RunError
from metabench.referee.plain import plain_line, plain_lines
from metabench.wire.channel import Channel, PeerGoneError
from metabench.wire.message import Message, WireError
from metabench.wire.reports import Failure, hear

if TYPE_CHECKING:
    from types import TracebackType

    from metabench.referee.limits import Limits
    from metabench.referee.meter import Breach
    from metabench.referee.outcome import Phase, Status

_STOP_LIMIT_S = 10.0
_SEND_LIMIT_S = 60.0
# What a contestant whose connection has broken gets to end by itself, so that it is known how.
_LAST_WORDS_S = 5.0
_TAIL_BYTES = 4096
_MIB = 2**20
# A state is sent from a third copy of it, beside the learner's own and one for serialising.
_LARGEST_MESSAGE = 1 / 3
# What a process may map beyond what it may use: libraries and allocators map far more than they touch.
_MAPPED_BEYOND = 2048 * _MIB
_NO_PLUGINS = Enclosure()


class ContestantProcess:
    """A contestant, enclosed and under guard; a context manager that leaves no process behind.

    Whatever the contestant does, the methods raise nothing but `RunError`, and that names the status
    of the run that it means.

    Args:
        limits: What it gets.
        phase: The phase of the run, for failures; the caller may change it.
        enclosure: What it has of this machine.
        program: The module that it runs.

    Attributes:
        isolation: What the sandbox has put out of its reach, see `sandbox.isolate`; None until it has
            stopped, and if it never got as far as running a plugin.
    """

    def __init__(
        self,
        limits: Limits,
        phase: Phase,
        enclosure: Enclosure = _NO_PLUGINS,
        *,
        program: str = "metabench.contestant",
    ) -> None:
        self.phase: Phase = phase
        self.limits = limits
        self.isolation: frozenset[str] | None = None
        self._enclosure = enclosure
        self._program = program
        self._tail = b""
        self._one_at_a_time = threading.Lock()
        self._ending: Ending | None = None
        self._failures: list[RunError] = []

    def __enter__(self) -> Self:
        """Start the process; it imports while the caller goes on."""
        adopt_orphans()
        self._folder = Path(tempfile.mkdtemp(prefix="metabench-")).resolve()
        self._connection, theirs = socket.socketpair()
        self._sandbox, sandboxs = socket.socketpair()
        control_read, self._control = os.pipe()
        self._report, report_write = os.pipe()
        output_read, output_write = os.pipe()
        self._group = Group.make(self.limits.memory_mib, find_parent())
        try:
            self._enclosure.copy_sources(self._folder)
            self._sandbox.sendall(self._enclosure.order)
            self._sandbox.shutdown(socket.SHUT_WR)
            self._guard = self._start_guard(
                control_read, report_write, output_write, (theirs.fileno(), sandboxs.fileno())
            )
        except BaseException:
            # Nobody will call `__exit__`: what is open here would stay open.
            self._connection.close()
            self._sandbox.close()
            for descriptor in (self._control, self._report, output_read):
                os.close(descriptor)
            guard.remove_folder(self._folder)
            self._group.remove()
            raise
        finally:
            theirs.close()
            sandboxs.close()
            for descriptor in (control_read, report_write, output_write):
                os.close(descriptor)
        largest = int(self.limits.memory_mib * _MIB * _LARGEST_MESSAGE)
        self._channel = Channel(self._connection, max_bytes=largest)
        self._reader = threading.Thread(target=self._read_output, args=(output_read,), daemon=True)
        self._reader.start()
        gpus = None if self.limits.device_memory_mib is None else find_gpus()
        self._meter = Meter(self._guard, self.limits, self._end, group=self._group, gpus=gpus)
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

    @property
    def peak_device_mib(self) -> float | None:
        """The most memory of GPUs that was seen in use, MiB; None: not measured."""
        return self._meter.peak_device_mib

    @property
    def processor_s(self) -> float:
        """Processor time since it is charged, of all its processes on all cores, seconds."""
        charged = self._meter.charged
        return 0.0 if charged is None else charged.used_s

    def charge(self) -> None:
        """From now on its processor time counts: no more than its threads can use while the clock runs."""
        self._meter.charge()

    def failed(self, status: Status, message: str) -> RunError:
        """Make the failure that ends the phase; it learns how the process ended when that has stopped."""
        failure = RunError(status, plain_line(message), self.phase)
        failure.ending = self._ending
        self._failures.append(failure)
        return failure

    def send(self, message: Message, *, within_s: float = _SEND_LIMIT_S) -> None:
        """Send a message.

        Args:
            message: What to say.
            within_s: Seconds that the contestant has to take it.

        Raises:
            RunError: The contestant is gone or does not read.
        """
        try:
            self._channel.send(message, within_s=within_s)
        except PeerGoneError:
            self._receive_last_words()
        except TimeoutError as error:
            raise self.failed("timeout", f"does not read its messages within {within_s:g} s") from error

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
        self._end()
        self._group.remove()
        self._channel.close()
        self._reader.join(_STOP_LIMIT_S)
        self._ending = _read_ending(self._read_report(), self._tail)
        self.isolation = self._read_isolation()
        for failure in self._failures:
            failure.ending = self._ending
        return self._ending

    def _end(self) -> None:
        """Make the guard kill everything; where it does not, or is gone, do it without.

        The meter's thread may be here as well as the caller's.
        """
        with self._one_at_a_time:
            if self._control < 0:
                return
            os.close(self._control)
            self._control = -1
            with contextlib.suppress(subprocess.TimeoutExpired):
                # It cannot let go while somebody has made it pause.
                self._guard.send_signal(signal.SIGCONT)
                self._guard.wait(_STOP_LIMIT_S)
            if self._guard.poll() != 0:
                self._guard.kill()
                self._guard.wait()
                kill_orphans()
                guard.remove_folder(self._folder)
            # Nobody may go on with this conversation, whatever is left where orphans cannot be found.
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)

    def _receive_last_words(self) -> None:
        """The connection is broken: a failure that was sent before says more than that.

        Raises:
            RunError: Always.
        """
        until = now() + _LAST_WORDS_S
        with contextlib.suppress(TimeoutError):
            while (left := until - now()) > 0:
                self.receive(within_s=left)
        raise self._explain_end()

    def _explain_end(self) -> RunError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._guard.wait(_LAST_WORDS_S)
        ending = self.stop()
        if self._meter.breach is not None:
            return self._explain_breach(self._meter.breach)
        if self._guard.returncode < 0:
            name = _signal_name(-self._guard.returncode)
            return self.failed("crashed", f"its guard was ended by {name}; nothing runs on without one")
        if ending.signal is not None:
            return self.failed("crashed", f"its process was ended by {ending.signal}")
        if ending.exit_code is None:
            return self.failed("protocol_violation", "closes its connection and goes on; it may only end")
        return self.failed("crashed", f"its process ended without a word (exit code {ending.exit_code})")

    def _explain_breach(self, breach: Breach) -> RunError:
        if breach in ("memory", "device memory"):
            limit = f"{self.limits.memory_mib} MiB"
            if breach == "device memory":
                limit = f"{self.limits.device_memory_mib} MiB of GPUs"
            return self.failed(
                "out_of_memory", f"uses more memory than {limit}; lower what it holds or take a larger budget"
            )
        if breach == "processes":
            return self.failed("protocol_violation", f"runs more than {MOST_PROCESSES} processes at once")
        assert self._meter.charged is not None
        return self.failed("timeout", self._meter.charged.complaint)

    def _start_guard(
        self, control: int, report: int, output: int, inherited: tuple[int, int]
    ) -> subprocess.Popen[bytes]:
        """Start the guard, which starts the sandbox, which becomes the contestant."""
        channel, sandbox = inherited
        contestant = [sys.executable, "-P", "-u", "-m", self._program, str(channel)]
        sandboxing = [sys.executable, "-P", "-m", "metabench.referee.sandbox", str(sandbox), *contestant]
        guarding = [sys.executable, "-I", "-S", guard.__file__, str(control), str(report), str(self._folder)]
        memory_bytes = self.limits.memory_mib * _MIB + _MAPPED_BEYOND
        return subprocess.Popen(  # noqa: S603 - composed of our own parts
            [*guarding, str(memory_bytes), f"{channel},{sandbox}", *self._group.around(sandboxing)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(self.limits, self._folder),
            pass_fds=(control, report, *inherited),
            # Not reached by Ctrl-C, but in this session, which tells it from an orphan; see orphans.py.
            process_group=0,
        )

    def _read_output(self, descriptor: int) -> None:
        """Keep the end of what is printed, however much it is."""
        with os.fdopen(descriptor, "rb", buffering=0) as pipe:
            while chunk := pipe.read(1 << 16):
                self._tail = (self._tail + chunk)[-_TAIL_BYTES:]

    def _read_report(self) -> bytes:
        """What the guard told; nothing if it could not."""
        os.set_blocking(self._report, False)
        with os.fdopen(self._report, "rb", buffering=0) as pipe:
            return pipe.read(64) or b""

    def _read_isolation(self) -> frozenset[str] | None:
        """What the sandbox told before it became the contestant; None if it did not get so far."""
        with self._sandbox, contextlib.suppress(OSError):
            if told := self._sandbox.recv(4096, socket.MSG_DONTWAIT):
                return frozenset(json.loads(told))
        return None


def _read_ending(told: bytes, tail: bytes) -> Ending:
    """Read what the guard reported; a contestant may have tampered with that."""
    word, _, number = told.decode(errors="replace").partition(" ")
    text = plain_lines(tail.decode(errors="replace"))
    if word in ("exit", "signal") and number.isdecimal():
        is_exit = word == "exit"
        return Ending(int(number) if is_exit else None, None if is_exit else _signal_name(int(number)), text)
    return Ending(None, None, text)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
