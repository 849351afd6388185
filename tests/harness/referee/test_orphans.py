import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from metabench.referee.orphans import adopt_orphans, kill_orphans

# What no process can undo: it gives up gaining privileges.
MARK = "import ctypes; ctypes.CDLL(None).prctl(38, 1, 0, 0, 0)\n"
DETACH = "import os\nif os.fork(): os._exit(0)\nos.setsid()\n"
SLEEP = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(3600)\n"


@pytest.fixture
def child() -> Iterator[Callable[..., subprocess.Popen]]:
    """Starts a process that sleeps, in this session or another, with or without the mark of a contestant."""
    started = []

    def start(*, is_marked: bool, has_own_session: bool) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", MARK * is_marked + SLEEP],
            stdout=subprocess.PIPE,
            start_new_session=has_own_session,
        )
        started.append(process)
        assert int(process.stdout.readline()) == process.pid
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_only_what_a_contestant_left_is_killed(child):
    guard_like = child(is_marked=True, has_own_session=False)
    left = child(is_marked=True, has_own_session=True)
    kill_orphans()
    # Its end has been noted already, so that its exit code is lost.
    assert left.wait(30) is not None
    assert not Path(f"/proc/{left.pid}").exists()
    assert guard_like.poll() is None


def test_a_service_of_somebody_else_is_spared(child):
    if "NoNewPrivs:\t1" in Path("/proc/self/status").read_text():
        return  # where everything is marked, a service in a session of its own cannot be told apart
    service = child(is_marked=False, has_own_session=True)
    kill_orphans()
    assert service.poll() is None


def test_what_detaches_itself_below_this_process_becomes_its_child_and_is_killed():
    adopt_orphans()
    command = [sys.executable, "-S", "-c", MARK + DETACH + SLEEP]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        orphan = int(parent.stdout.readline())
        parent.wait(30)
        kill_orphans()
        assert not Path(f"/proc/{orphan}").exists()
