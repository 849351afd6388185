import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import psutil
import pytest

from metabench import clock
from metabench.referee import meter
from metabench.referee.cgroup import Group
from metabench.referee.limits import Limits
from metabench.referee.meter import Meter

HOLDER = r"""
import os, subprocess, sys
# The root is not metered: its child holds the memory, and that one's forks share it.
if os.fork() == 0:
    held = b"x" * (int(sys.argv[1]) << 20)
    for _ in range(int(sys.argv[2])):
        if os.fork() == 0:
            break
    os.write(1, b"held\n")
    sys.stdin.read()
    os._exit(0)
sys.stdin.read()
"""


@pytest.fixture
def holding() -> Iterator[Callable[[int, int], subprocess.Popen]]:
    """Starts a process whose child holds so many MiB and has so many forks."""
    started = []

    def start(mib: int, n_forks: int) -> subprocess.Popen:
        command = [sys.executable, "-c", HOLDER, str(mib), str(n_forks)]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        started.append(process)
        for _ in range(n_forks + 1):
            assert process.stdout.readline() == b"held\n"
        return process

    yield start
    for process in started:
        process.communicate()


def metered(
    process: subprocess.Popen, limit_mib: int, *, until_end: bool, is_charged: bool = False, **more
) -> Meter:
    """Meter a process for a few looks, or until the meter ends it."""
    looks, ended = threading.Semaphore(0), threading.Event()
    limits = Limits(limit_mib, n_threads=1, seed=0, device_memory_mib=1000)
    one = Meter(process, limits, ended.set, **more)
    if is_charged:
        one.charge()
    look = one._look
    one._look = lambda: (look(), looks.release())[0]
    one.start()
    if until_end:
        assert ended.wait(30)
    else:
        assert all(looks.acquire(timeout=30) for _ in range(3))
        assert not ended.is_set()
    one.stop()
    return one


def test_the_peak_is_what_the_descendants_hold(holding):
    one = metered(holding(200, 0), 1000, until_end=False)
    assert 200 < one.peak_mib < 260
    assert one.breach is None


def test_pages_that_forks_share_count_once(holding):
    one = metered(holding(200, 4), 500, until_end=False)
    assert 200 < one.peak_mib < 300
    assert one.breach is None


def test_too_much_memory_ends_the_run(holding):
    one = metered(holding(200, 0), 100, until_end=True)
    assert one.breach == "memory"


def test_too_many_processes_end_the_run(holding, monkeypatch):
    monkeypatch.setattr(meter, "MOST_PROCESSES", 3)
    one = metered(holding(1, 4), 1000, until_end=True)
    assert one.breach == "processes"


class Gpus:
    """GPUs that tell of the processes that they are asked about, one look after the other."""

    def __init__(self, *told):
        self._told, self.asked = list(told), []

    def used_mib(self, pids):
        self.asked.append(set(pids))
        return self._told.pop(0) if len(self._told) > 1 else self._told[0]


def test_the_peak_on_gpus_is_the_most_that_was_told(holding):
    process, gpus = holding(1, 1), Gpus(100.0, 2024.0, 300.0)
    one = metered(process, 1000, until_end=False, gpus=gpus)
    assert one.peak_device_mib == 2024.0  # within the budget, with what the driver holds for itself
    assert one.breach is None
    children = psutil.Process(process.pid).children(recursive=True)
    assert gpus.asked[0] == {child.pid for child in children}
    assert len(children) == 2


def test_too_much_memory_of_gpus_ends_the_run(holding):
    one = metered(holding(1, 0), 1000, until_end=True, gpus=Gpus(2025.0))
    assert one.breach == "device memory"


@pytest.mark.parametrize("gpus", [None, Gpus(None)])
def test_what_is_not_told_of_gpus_is_not_measured(holding, gpus):
    one = metered(holding(1, 0), 1000, until_end=False, gpus=gpus)
    assert one.peak_device_mib is None
    assert one.breach is None


@pytest.fixture
def group(tmp_path):
    """A group of which the kernel tells more than is seen."""
    (tmp_path / "memory.peak").write_text(str(777 * 2**20))
    (tmp_path / "cpu.stat").write_text("usage_usec 900000000\n")
    return Group(tmp_path)


def test_the_kernel_knows_the_peak_between_looks(holding, group):
    one = metered(holding(1, 0), 1000, until_end=False, group=group)
    assert one.peak_mib == 777
    assert one.breach is None


def test_whom_the_kernel_has_ended_for_its_memory_has_used_too_much(holding, group):
    (group.folder / "memory.events").write_text("oom_kill 1\n")
    assert metered(holding(1, 0), 1000, until_end=False, group=group).breach == "memory"


def test_processor_time_that_only_the_kernel_knows_of_counts(holding, group, monkeypatch):
    monkeypatch.setattr(clock, "read", lambda: 0.0)
    process = holding(1, 0)
    one = Meter(process, Limits(1000, n_threads=1, seed=0), lambda: None, group=group)
    one.charge()
    (group.folder / "cpu.stat").write_text("usage_usec 903500000\n")
    assert one._look() == "processor"
    assert one.charged.used_s == 3.5


def test_a_root_that_has_ended_ends_the_run_without_a_breach():
    process = subprocess.Popen([sys.executable, "-c", ""])
    assert metered(process, 1000, until_end=True).breach is None


BUSY = r"""
import os, sys, time
if os.fork() == 0:
    for _ in range(3):
        if os.fork() == 0:
            break
    os.write(1, b"here\n")
    while True:
        pass
sys.stdin.read()
"""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen]:
    """A process whose child and its forks compute until it is killed."""
    with subprocess.Popen(
        [sys.executable, "-c", BUSY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        try:
            assert [process.stdout.readline() for _ in range(4)] == 4 * [b"here\n"]
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def test_more_processor_time_than_its_threads_can_use_ends_the_run(busy, monkeypatch):
    # On a clock that stands still, whatever else keeps this machine busy.
    monkeypatch.setattr(clock, "read", lambda: 0.0)
    one = metered(busy, 1000, until_end=True, is_charged=True)
    assert one.breach == "processor"
    assert one.charged.used_s > one.charged.allowed_s == 2.0


def test_processor_time_is_free_until_it_is_charged(busy, monkeypatch):
    monkeypatch.setattr(clock, "read", lambda: 0.0)
    one = metered(busy, 1000, until_end=False)
    assert one.breach is None
    assert one.charged is None
