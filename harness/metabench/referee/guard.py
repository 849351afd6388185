"""The guard between referee and contestant: whatever happens to either, nothing is left running.

It runs as a process of its own (`python -I -S guard.py`), from the standard library alone. It starts the
contestant, waits until the contestant ends or the referee lets go of the control pipe (which also happens
when the referee is killed), then kills every descendant, however it has detached itself, tells how the
contestant ended, and removes the work folder.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

_PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_POLL_MS = 50
# What a terminal, a batch system or a contestant may send; the guard ends when its work is done.
_IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
# The kernel, short of memory, takes a contestant before anything else.
_OOM_SCORE = "1000"


def main(control: int, report: int, folder: str, memory_bytes: int, inherited: str, *command: str) -> None:
    """Guard one contestant.

    Args:
        control: Descriptor of the pipe that the referee holds open while it wants the contestant.
        report: Descriptor of the pipe that gets "exit N", "signal N" or "stopped".
        folder: The contestant's work folder.
        memory_bytes: Largest size of its data segment, per process.
        inherited: Descriptors that the contestant gets, separated by commas.
        command: What to run.
    """
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    # Who started all this may ignore its children; then the kernel would reap them, and tell nobody.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if sys.platform == "linux":
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        # If the referee is killed while somebody has made this process pause, it goes on and sees to that.
        prctl(_PR_SET_PDEATHSIG, signal.SIGCONT)
    contestant = subprocess.Popen(  # noqa: S603 - the referee composed the command
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        pass_fds=[int(descriptor) for descriptor in inherited.split(",")],
        start_new_session=True,
        preexec_fn=lambda: _limit(memory_bytes),  # noqa: PLW1509 - no thread here
    )
    for descriptor in inherited.split(","):
        os.close(int(descriptor))
    ended = _wait(contestant.pid, control)
    _kill_all(contestant.pid)
    with contextlib.suppress(BrokenPipeError):
        os.write(report, ended.encode())
    remove_folder(Path(folder))


def prctl(what: int, value: int) -> None:
    """Set an attribute of this process (Linux)."""
    ctypes.CDLL(None).prctl(what, value, 0, 0, 0)


def _limit(memory_bytes: int) -> None:
    """In the contestant, before its program starts."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        # No way out of these limits; it also marks what descends from a contestant, see orphans.py.
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))
        with contextlib.suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def _wait(pid: int, control: int) -> str:
    """Wait until the contestant ends or the referee lets go; say how the contestant ended.

    What detached itself and has ended is reaped meanwhile: dead, it would still count as a process.
    """
    poll = select.poll()
    poll.register(control)
    while True:
        let_go = bool(poll.poll(_POLL_MS))
        if (code := _reap()[0].get(pid)) is not None:
            return f"exit {code}" if code >= 0 else f"signal {-code}"
        if let_go:
            return "stopped"


def _reap() -> tuple[dict[int, int], bool]:
    """Exit codes of the children that have ended, or minus the signal; and whether others have not."""
    codes = {}
    try:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            codes[ended[0]] = os.waitstatus_to_exitcode(ended[1])
    except ChildProcessError:
        return codes, False
    return codes, True


def _kill_all(pid: int) -> None:
    """Kill every descendant until none is left; orphans have become children of this process."""
    while _reap()[1]:
        if sys.platform == "linux":
            _kill_descendants()
        else:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
        select.poll().poll(1)


def _kill_descendants() -> None:
    """Kill the processes below this one, in one look at all processes.

    First from the newest down, killing at once what is found: a process that ends as soon as it has made its
    successor is outrun so. Then from the oldest up, which meets parents before children.
    """
    below = {os.getpid()}
    numbers = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    for number in (*reversed(numbers), *numbers):
        if number not in below and _parent(number) in below:
            below.add(number)
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def _parent(number: int) -> int:
    try:
        # The name stands in parentheses and may hold anything; the parent is the second field after.
        return int(Path(f"/proc/{number}/stat").read_bytes().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def remove_folder(folder: Path) -> None:
    """Remove a work folder, however deep it is and whatever its parts forbid; nothing uses it any more.

    What lies deep is moved up instead of descended to, so that no path and no recursion grows.
    """
    with contextlib.suppress(OSError):
        while subfolders := _remove_files(folder):
            for subfolder in subfolders:
                for deeper in _remove_files(subfolder):
                    deeper.chmod(0o700)
                    deeper.rename(tempfile.mkdtemp(dir=folder))
                subfolder.rmdir()
        folder.rmdir()


def _remove_files(folder: Path) -> list[Path]:
    """Remove what is no folder from a folder; what is left. A link to a folder is a file."""
    if folder.is_symlink():
        folder.unlink()
        return []
    folder.chmod(0o700)
    with os.scandir(folder) as entries:
        found = [(Path(entry.path), entry.is_dir(follow_symlinks=False)) for entry in entries]
    for path, is_folder in found:
        if not is_folder:
            path.unlink()
    return [path for path, is_folder in found if is_folder]


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4]), *sys.argv[5:])
