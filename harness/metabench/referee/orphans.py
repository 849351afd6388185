"""What a contestant leaves behind when its guard could not do its work, as when the contestant killed it.

A guard adopts every process below it, so that it can kill those that detached themselves. When the guard
itself is gone, the next adopter above gets them: this process, once it has asked for that (Linux). Which
of its children these are is told by what no process can undo: a contestant is in a session of its own,
where a guard shares this process's, and it has given up gaining privileges.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

import psutil

from metabench.clock import now
from metabench.referee.guard import PR_SET_CHILD_SUBREAPER, prctl

_LIMIT_S = 10.0


def adopt_orphans() -> None:
    """Become the parent of whatever loses its guard."""
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, 1)


def kill_orphans() -> None:
    """Kill what has lost its guard, with everything below it, until nothing is left of it."""
    until = now() + _LIMIT_S
    while (orphans := _orphans()) and now() < until:
        for orphan in orphans:
            with contextlib.suppress(psutil.Error):
                for one in (orphan, *orphan.children(recursive=True)):
                    _kill(one.pid)
            _reap(orphan.pid)


def _orphans() -> list[psutil.Process]:
    ours = os.getsid(0)
    return [one for one in psutil.Process().children() if _is_contestants(one.pid, ours)]


def _is_contestants(pid: int, our_session: int) -> bool:
    try:
        if os.getsid(pid) == our_session:
            return False
        # Inside a container that forbids everything to gain privileges this tells nothing; then what stands
        # below this process in another session is taken for an orphan.
        return "NoNewPrivs:\t1" in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
