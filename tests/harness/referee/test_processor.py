"""Processor time is what was used, whoever used it and however it has ended."""

import resource
import subprocess
import sys
from collections import namedtuple

import psutil
import pytest

from metabench.referee import processor
from metabench.referee.processor import Charge, ProcessorTime

Times = namedtuple("Times", "user system children_user children_system")


class Process:
    """A process as psutil shows it."""

    def __init__(self, own=0.0, children=0.0):
        self.own, self.children, self.is_alive = own, children, True

    def cpu_times(self):
        if not self.is_alive:
            raise psutil.NoSuchProcess(1)
        return Times(self.own, 0.0, 0.0, self.children)

    def is_running(self):
        return self.is_alive


@pytest.fixture
def root(monkeypatch):
    process = Process(own=1000.0)
    monkeypatch.setattr(processor.psutil, "Process", lambda pid: process)
    return process


def test_the_root_counts_only_for_the_children_it_has_waited_for(root):
    time, child = ProcessorTime(1), Process(own=2.0, children=0.5)
    time.look([child])
    assert time.seconds == 2.5

    child.is_alive, root.children = False, 3.0
    time.look([])
    assert time.seconds == 3.0


def test_children_that_nobody_waits_for_count_as_they_were_last_seen(root):
    time, parent = ProcessorTime(1), Process(own=1.0)
    for _ in range(3):
        child = Process(own=2.0)
        time.look([parent, child])
        child.is_alive = False
    time.look([parent])
    assert time.seconds == 7.0


def test_one_that_has_just_lost_its_parent_counts_once(root):
    time, orphan = ProcessorTime(1), Process(own=5.0)
    for found in ([orphan], [], [orphan], [], [orphan]):
        time.look(found)
    assert time.seconds == 5.0


def test_what_was_seen_is_never_taken_back(root):
    time = ProcessorTime(1)
    time.look([Process(children=4.0)])
    root.is_alive = False
    time.look([])
    assert time.seconds == 4.0


# A child that computes by three children it waits for, then leaves another behind that computes, says so
# and stays, with nobody to wait for it. The root says when it has waited. All end with standard input.
COMPUTES = """
import os, sys, time
def compute(seconds):
    while time.process_time() < seconds:
        pass
if os.fork() == 0:
    for _ in range(3):
        if os.fork() == 0:
            compute(0.2)
            os._exit(0)
        os.wait()
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            compute(0.6)
            os.write(1, b"left behind\\n")
            sys.stdin.read()
        os._exit(0)
    os._exit(0)
os.wait()
os.write(1, b"waited for\\n")
sys.stdin.read()
while True:
    try:
        os.wait()
    except ChildProcessError:
        break
"""


def test_it_is_what_the_system_says_of_all_that_have_ended():
    """Compared with what the system tells the parent of the root when all is over."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    with subprocess.Popen(
        [sys.executable, "-c", f"import ctypes; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)\n{COMPUTES}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        root = psutil.Process(process.pid)
        time = ProcessorTime(process.pid)
        told = []
        for _ in range(2):
            told.append(process.stdout.readline())
            time.look(root.children(recursive=True))
        own = root.cpu_times()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    assert sorted(told) == [b"left behind\n", b"waited for\n"]
    assert time.seconds == pytest.approx(whole - own.user - own.system, abs=0.15)
    assert time.seconds > 1.1


@pytest.mark.parametrize(
    ("used_s", "elapsed_s", "n_threads", "is_over"),
    [(2.0, 0.0, 1, False), (2.1, 0.0, 1, True), (62.0, 10.0, 4, True), (49.0, 10.0, 4, False)],
)
def test_so_many_threads_can_use_the_clock_and_a_grace(used_s, elapsed_s, n_threads, is_over):
    assert Charge(used_s, elapsed_s, n_threads).is_over == is_over


def test_the_complaint_names_both_numbers():
    complaint = Charge(used_s=80.0, elapsed_s=10.0, n_threads=4).complaint
    assert "uses 80.0 s of processor time within 10.0 s; its budget is 4 at once, 50.0 s by then" in complaint
