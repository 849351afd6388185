"""The guard between referee and contestant: whatever happens to either, nothing is left running.

It runs as a process of its own (`python -I -S guard.py`), from the standard library alone. It starts the
contestant, waits until the contestant ends or the referee lets go of the control pipe (which also happens
when the referee is killed), then kills every descendant, however it has detached itself, removes the work
folder, and tells through its own exit how the contestant ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_POLL_S = 0.05


def main(control: int, report: int, folder: str, memory_bytes: int, inherited: str, *command: str) -> None:
    """Guard one contestant.

    Args:
        control: Descriptor of the pipe that the referee holds open while it wants the contestant.
        report: Descriptor of the pipe that gets "exit N" or "signal N".
        folder: The contestant's work folder.
        memory_bytes: Largest size of its data segment, per process.
        inherited: Descriptors that the contestant gets, separated by commas.
        command: What to run.
    """
    on_linux = sys.platform == "linux"
    if on_linux:
        _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    contestant = subprocess.Popen(  # noqa: S603 - the referee composed the command
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        pass_fds=[int(descriptor) for descriptor in inherited.split(",")],
        start_new_session=True,
        preexec_fn=lambda: _limit(memory_bytes, on_linux=on_linux),  # noqa: PLW1509 - no thread here
    )
    for descriptor in inherited.split(","):
        os.close(int(descriptor))
    ended = _wait(contestant.pid, control)
    _kill_all(contestant.pid)
    shutil.rmtree(folder, ignore_errors=True)
    os.write(report, ended.encode())


def _limit(memory_bytes: int, *, on_linux: bool) -> None:
    """In the contestant, before its program starts."""
    if on_linux:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _prctl(what: int, value: int) -> None:
    ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def _wait(pid: int, control: int) -> str:
    """Wait until the contestant ends or the referee lets go; say how the contestant ended."""
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            code = os.waitstatus_to_exitcode(status)
            return f"exit {code}" if code >= 0 else f"signal {-code}"
        if select.select([control], [], [], _POLL_S)[0]:
            return "stopped"


def _kill_all(pid: int) -> None:
    """Kill every descendant until none is left; orphans have become children of this process."""
    while True:
        for victim in _descendants() or {pid}:
            _kill(victim)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        select.select([], [], [], 0.002)


def _descendants() -> set[int]:
    """All processes below this one (Linux); empty where /proc does not tell."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name stands in parentheses and may hold anything; the parent is the second field after.
            parents[int(entry.parent.name)] = int(entry.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    fresh = {os.getpid()}
    while fresh:
        fresh = {pid for pid, parent in parents.items() if parent in fresh} - found
        found |= fresh
    return found


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
