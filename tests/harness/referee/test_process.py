import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metabench.errors import UsageError
from metabench.referee import process as process_module
from metabench.referee.enclosure import Enclosure
from metabench.referee.limits import Limits
from metabench.referee.outcome import Ending, RunError
from metabench.referee.process import ContestantProcess, _read_ending
from metabench.referee.training import meta_train
from metabench.wire.message import Message

LIMITS = Limits(memory_mib=2048, n_threads=1, seed=0)

CONFTEST = Path(__file__).with_name("conftest.py")

REFEREE = """
import runpy
import sys

from metabench.referee.training import meta_train
from metabench.spec.budget import Budget

known = runpy.run_path(sys.argv[1], run_name="arena")
budget = Budget("1h", seconds=3600.0)
match = known["make_match"](known["Entry"]("processes:SleepsBesideDaemons", budget=budget))
with match.contestant("start") as process:
    told = lambda progress: print(process._folder, process._guard.pid, flush=True)
    meta_train(process, match.assignment, match.dataset, budget, told)
"""


@pytest.fixture
def running(processes_in):
    """A referee in a process of its own, whose contestant has made daemons and sleeps.

    Yields the referee, the number of its guard's process and the work folder.
    """
    command = [sys.executable, "-c", REFEREE, str(CONFTEST)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as referee:
        try:
            folder, guard_pid = referee.stdout.readline().decode().split()
            # The guard, the contestant and two daemons, once what has made these is gone.
            wait_for(lambda: len(processes_in([folder])) == 4)
            yield referee, int(guard_pid), folder
        finally:
            referee.kill()


def wait_for(condition) -> None:
    """Wait until something is so, a generous time at most."""
    for _ in range(300):
        if condition():
            return
        time.sleep(0.1)
    raise AssertionError("it is not so")


def assert_gone(folder: str, processes_in) -> None:
    wait_for(lambda: not processes_in([folder]) and not Path(folder).exists())


@pytest.mark.parametrize("is_paused", [False, True], ids=["guard awake", "guard paused"])
def test_nothing_is_left_of_a_run_whose_referee_is_killed(running, processes_in, is_paused):
    referee, guard_pid, folder = running
    if is_paused:
        os.kill(guard_pid, signal.SIGSTOP)
    referee.kill()
    assert_gone(folder, processes_in)


def test_nothing_is_left_of_a_run_whose_guard_is_killed(running, processes_in):
    referee, guard_pid, folder = running
    os.kill(guard_pid, signal.SIGKILL)
    assert referee.wait(60) == 0
    assert_gone(folder, processes_in)


def test_a_process_that_is_stopped_while_it_starts_leaves_nothing(processes_in):
    with ContestantProcess(LIMITS, "start") as process:
        folder = str(process._folder)
    assert process.stop() == Ending(None, None, "")
    assert processes_in([folder]) == []
    assert not Path(folder).exists()


def test_an_interrupted_referee_leaves_nothing(processes_in):
    folders = []

    def interrupted():
        with ContestantProcess(LIMITS, "start") as process:
            folders.append(str(process._folder))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert processes_in(folders) == []


def test_a_guard_that_cannot_be_started_leaves_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(process_module.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(process_module.sys, "executable", str(tmp_path / "no-such-python"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(FileNotFoundError, match="no-such-python"):
        ContestantProcess(LIMITS, "start").__enter__()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_cannot_be_had_leaves_nothing(monkeypatch, tmp_path):
    def lost(enclosure, folder):
        raise UsageError("the model is gone")

    monkeypatch.setattr(process_module.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(Enclosure, "copy_sources", lost)
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(UsageError, match="the model is gone"):
        ContestantProcess(LIMITS, "start").__enter__()
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_assignment_ends_the_process_with_a_failure():
    with ContestantProcess(LIMITS, "start") as process:
        process.send(Message("nonsense"))
        with pytest.raises(RunError, match=r"its process ended without a word \(exit code 1\)") as caught:
            process.expect("ready", within_s=120, doing="starting")
    assert caught.value.ending.exit_code == 1
    assert "Traceback" in caught.value.ending.stderr_tail


def test_a_process_is_in_a_group_of_its_own_where_groups_can_be_made(monkeypatch, tmp_path):
    monkeypatch.setattr(process_module, "find_parent", lambda: tmp_path)
    with ContestantProcess(LIMITS, "start") as process:
        (group,) = tmp_path.iterdir()
        process.send(Message("nonsense"))
        (group / "memory.peak").write_text(str(1999 << 20))
        (group / "memory.events").write_text("oom_kill 1")
        with pytest.raises(RunError, match="uses more memory than 2048 MiB; lower") as caught:
            process.expect("ready", within_s=120, doing="starting")
    assert (group / "memory.max").read_text() == str(2048 << 20)
    assert (group / "cgroup.procs").read_text() == "0\n"
    assert (caught.value.status, process.peak_mib) == ("out_of_memory", 1999)


def test_too_much_memory_of_gpus_is_told_with_its_limit(monkeypatch):
    class Full:
        def used_mib(self, pids):
            return 1e6 if pids else None

    monkeypatch.setattr(process_module, "find_gpus", Full)
    limits = Limits(2048, 1, 0, device_memory_mib=8192)
    with (
        ContestantProcess(limits, "start") as process,
        pytest.raises(RunError, match="uses more memory than 8192 MiB of GPUs; lower") as caught,
    ):
        process.expect("ready", within_s=120, doing="starting")
    assert caught.value.status == "out_of_memory"
    assert process.peak_device_mib == 1e6


def test_whoever_does_not_read_is_late(match, entry, dataset):
    one = match(entry("honest:NearestMean"))
    with ContestantProcess(Limits(2048, 1, 0, startup_s=0.01), "start") as process:
        training = meta_train(process, one.assignment, dataset, one.plan.budget, print)
    assert (training.failure.status, training.failure.phase) == ("timeout", "start")


def test_a_failure_is_one_plain_line_however_it_was_worded():
    with ContestantProcess(LIMITS, "test") as process:
        failure = process.failed("crashed", "\x1b[2J" + "two\nlines " * 1000)
    assert failure.message.isprintable()
    assert len(failure.message) == 1000
    assert failure.ending == process.stop()
    assert (failure.status, failure.phase) == ("crashed", "test")


@pytest.mark.parametrize(
    ("told", "exit_code", "name"),
    [
        (b"exit 0", 0, None),
        (b"exit 3", 3, None),
        (b"signal 11", None, "SIGSEGV"),
        (b"signal 40", None, "signal 40"),
        (b"stopped", None, None),
        (b"", None, None),
        (b"exit three", None, None),
        (b"exit \xff\xfe", None, None),
        (b"signal -1", None, None),
    ],
)
def test_the_report_of_the_guard_is_read_even_if_somebody_has_tampered_with_it(told, exit_code, name):
    assert _read_ending(told, b"\x1b[31mred \xff") == Ending(exit_code, name, "\ufffd[31mred \ufffd")
