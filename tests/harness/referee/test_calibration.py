"""A calibrator: one process for a sweep, nothing measured twice, and no run harmed if it fails."""

import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from metabench import clock
from metabench.referee import calibration
from metabench.referee.calibration import Calibrator
from metabench.referee.outcome import RunError
from metabench.results.calibration import REFERENCE_S
from metabench.wire.message import Message
from metabench.wire.reports import Bench, Timings, say

BENCH = Bench(device="cpu", n_threads=1)


class Process:
    """A calibrating process that answers with the number of times it was asked."""

    made: "list[Process]"

    def __init__(self, limits, phase, enclosure):
        self.limits, self.enclosure = limits, enclosure
        self.n_asked, self.is_stopped, self.error = 0, False, None
        self.made.append(self)

    def __enter__(self):
        return self

    def send(self, message):
        self.n_asked += message.kind == "again"

    def expect(self, kind, *, within_s, doing):
        if self.error:
            raise self.error
        return Message(kind) if kind == "ready" else say(kind, Timings(seconds={"work": float(self.n_asked)}))

    def stop(self):
        self.is_stopped = True


@pytest.fixture
def made(monkeypatch):
    """The processes that were started so far."""
    monkeypatch.setattr(Process, "made", [], raising=False)
    monkeypatch.setattr(calibration, "ContestantProcess", Process)
    return Process.made


@pytest.fixture
def time(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(clock, "read", lambda: now[0])
    return now


def test_nothing_is_started_that_nobody_needs(made):
    with Calibrator():
        pass
    assert made == []


def test_one_process_serves_a_sweep_and_is_stopped_after_it(made, time):
    with Calibrator() as calibrator:
        told = []
        for _ in range(3):
            told.append(calibrator.measure(BENCH)["work"])
            time[0] += 60
        assert [one.is_stopped for one in made] == [False]
    assert told == [1, 2, 3]
    assert [one.is_stopped for one in made] == [True]
    assert made[0].limits.n_threads == 1


def test_what_was_measured_just_now_is_not_measured_again(made, time):
    with Calibrator() as calibrator:
        told = []
        for _ in range(4):
            told.append(calibrator.measure(BENCH)["work"])
            time[0] += 3
    assert told == [1, 1, 2, 2]


def test_another_bench_is_another_process(made, time):
    with Calibrator() as calibrator:
        calibrator.measure(BENCH)
        calibrator.measure(Bench(device="cuda:0", n_threads=4))
    assert [one.is_stopped for one in made] == [True, True]
    assert [one.enclosure.device for one in made] == ["cpu", "cuda:0"]


def test_a_process_that_fails_costs_the_measurement_and_is_replaced(made, time):
    with Calibrator() as calibrator:
        calibrator.measure(BENCH)
        time[0] += 60
        made[0].error = RunError("crashed", "gone", "start")
        assert calibrator.measure(BENCH) is None
        time[0] += 60
        assert calibrator.measure(BENCH) == {"work": 1.0}
    assert [one.is_stopped for one in made] == [True, True]


def test_runs_at_once_measure_one_after_the_other(made, monkeypatch):
    monkeypatch.setattr(calibration, "_RECENT_S", -1.0)
    inside, most = threading.Semaphore(1), []
    send = Process.send

    def alone(self, message):
        most.append(inside.acquire(blocking=False))
        send(self, message)

    def expect(self, kind, **told):
        inside.release()
        return Message(kind) if kind == "ready" else say(kind, Timings(seconds={"work": 1.0}))

    monkeypatch.setattr(Process, "send", alone)
    monkeypatch.setattr(Process, "expect", expect)
    with Calibrator() as calibrator, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: calibrator.measure(BENCH), range(50)))
    assert len(most) == 51
    assert all(most)
    assert len(made) == 1


def test_a_copy_for_another_machine_starts_anew(made):
    with Calibrator() as calibrator:
        calibrator.measure(BENCH)
        with pickle.loads(pickle.dumps(calibrator)) as copy:
            assert copy._process is None


def test_a_real_process_times_all_standard_work():
    with Calibrator() as calibrator:
        timings = calibrator.measure(BENCH)
        folder = calibrator._process._folder
    assert set(timings) == set(REFERENCE_S)
    assert not folder.exists()
