import numpy as np
import pytest

from metabench import clock
from metabench.referee.limits import Limits
from metabench.referee.outcome import RunError
from metabench.referee.training import GRACE_S, TELL_EVERY_S, meta_train
from metabench.spec.budget import Budget
from metabench.wire.message import Message

MINUTE = Budget("60s", seconds=60.0)
EPISODES = Budget("100ep", episodes=100)


class Process:
    """A contestant that says some messages at some times, on a clock of its own.

    Args:
        said: Seconds after the start of meta-training → message, in order.
        startup_s: What it takes to start.
    """

    limits = Limits(memory_mib=1, n_threads=1, seed=0)
    peak_mib = 123.0
    peak_device_mib = 45.0
    processor_s = 0.0

    def __init__(self, *said: tuple[float, Message], startup_s: float = 3.0) -> None:
        self.phase = "start"
        self.time = 1000.0
        self.is_stopped = self.is_charged = False
        self._said = list(said)
        self._startup_s = startup_s
        self._started = 0.0

    def charge(self):
        self.is_charged = True

    def send(self, message, *, within_s=60.0):
        assert self.is_charged == (message.kind != "assignment")
        if message.kind == "go":
            self._started = self.time

    def expect(self, kind, *, within_s, doing):
        if self._startup_s > within_s:
            raise self.failed("timeout", f"{doing} takes more than {within_s:g} s")
        self.time += self._startup_s
        return Message(kind)

    def receive(self, *, within_s):
        until = self.time + within_s
        if not self._said or self._started + self._said[0][0] > until:
            self.time = until
            raise TimeoutError
        at_s, message = self._said.pop(0)
        self.time = max(self.time, self._started + at_s)
        if message.kind == "failed":
            raise self.failed("crashed", "a bug")
        return message

    def failed(self, status, message):
        return RunError(status, message, self.phase)

    def stop(self):
        self.is_stopped = True
        self.processor_s = 77.0 if self.is_charged else 0.0


def commit(number: int) -> Message:
    return Message("commit", arrays={"weights": np.array([number], np.uint8)})


def progress(fraction: float, **more) -> Message:
    told = {"fraction": fraction, "steps": 1, "episodes": 1, "examples": 1, "validation": None}
    return Message("progress", told | more)


DONE = Message("done")


@pytest.fixture
def train(dataset, entry, match, monkeypatch):
    """Meta-trains a fake process and gives what came of it."""
    assignment = match(entry("honest:NearestMean")).assignment

    def run(process, budget=MINUTE, on_progress=lambda report: None):
        monkeypatch.setattr(clock, "read", lambda: process.time)
        training = meta_train(process, assignment, dataset, budget, on_progress)
        assert process.is_stopped
        assert (training.peak_mib, training.peak_device_mib) == (123.0, 45.0)
        return training

    return run


def test_the_last_commit_in_time_is_held(train):
    training = train(Process((1, commit(1)), (30, commit(2)), (59, commit(3)), (59.5, DONE)))
    assert training.failure is None
    assert training.last.weights.tolist() == [3]
    assert training.last.at_s == 59
    assert (training.startup_s, training.spent_s, training.processor_s) == (3, 59.5, 77)


def test_a_commit_after_the_deadline_does_not_count(train):
    training = train(Process((59, commit(1)), (60.5, commit(2)), (61, DONE)))
    assert training.failure is None
    assert training.last.weights.tolist() == [1]
    assert training.spent_s == 60


def test_whoever_goes_on_beyond_its_grace_has_failed_but_keeps_its_commits(train):
    process = Process((10, commit(1)), (60 + GRACE_S + 1, DONE))
    training = train(process)
    assert training.failure.status == "timeout"
    assert training.failure.phase == "meta-training"
    assert "goes on 2 s after its 60 s" in training.failure.message
    assert process.time == 1000 + 3 + 60 + GRACE_S
    assert training.last.weights.tolist() == [1]


def test_a_flood_of_reports_does_not_hide_the_deadline_nor_drown_the_listener(train):
    told = []
    flood = [(second / 100, progress(0.5)) for second in range(7000)]
    training = train(Process(*flood), on_progress=told.append)
    assert training.failure.status == "timeout"
    assert len(told) <= (60 + GRACE_S) / TELL_EVERY_S + 1


def test_a_failure_keeps_what_was_committed_before(train):
    training = train(Process((10, commit(1)), (20, Message("failed"))))
    assert (training.failure.status, training.failure.phase) == ("crashed", "meta-training")
    assert training.last.weights.tolist() == [1]
    assert training.spent_s == 20


def test_what_takes_too_long_to_start_is_charged_nothing(train):
    training = train(Process(startup_s=121))
    assert (training.failure.status, training.failure.phase) == ("timeout", "start")
    assert "more than 120 s" in training.failure.message
    assert training.last is None
    assert (training.startup_s, training.spent_s, training.processor_s) == (0, 0, 0)


def test_the_curve_shows_the_first_commit_after_each_fraction_of_the_time(train):
    said = [(at, commit(index)) for index, at in enumerate((1, 4, 5, 8, 20, 31, 40, 58))]
    training = train(Process(*said, (59, DONE)))
    assert [one.at_s for one in training.earlier_than_last] == [4, 8, 20, 31]
    assert training.last.at_s == 58


def test_the_curve_of_a_budget_in_time_is_by_the_clock_whatever_the_contestant_reports(train):
    training = train(
        Process((1, progress(1.0)), (2, commit(1)), (40, commit(2)), (50, commit(3)), (51, DONE))
    )
    assert [one.at_s for one in training.earlier_than_last] == [40]


def test_the_curve_of_a_budget_in_episodes_is_by_the_episodes_that_are_reported(train):
    said = [(1, progress(0.02)), (2, commit(1)), (3, progress(0.3)), (4, commit(2)), (5, progress(1.0))]
    training = train(Process(*said, (6, commit(3)), (7, DONE)), EPISODES)
    assert [one.at_s for one in training.earlier_than_last] == [4]


def test_a_commit_that_is_also_the_last_one_is_not_shown_twice(train):
    training = train(Process((40, commit(1)), (41, DONE)))
    assert training.earlier_than_last == []
    assert training.last.at_s == 40


def test_the_last_report_is_kept(train):
    training = train(Process((1, progress(0.1)), (2, progress(0.4, steps=17)), (3, DONE)))
    assert (training.progress.fraction, training.progress.steps) == (0.4, 17)


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (Message("predictions"), "sends 'predictions' while it meta-trains"),
        (Message("commit"), "not one state"),
        (Message("commit", arrays={"weights": np.zeros(3, np.float32)}), "not one state"),
        (Message("commit", arrays={"weights": np.zeros((3, 1), np.uint8)}), "not one state"),
        (
            Message("commit", arrays={"weights": np.zeros(3, np.uint8), "more": np.zeros(9, np.uint8)}),
            "not one state",
        ),
        (progress(-1), "'fraction'"),
        (progress(float("nan")), "'fraction'"),
        (progress(0.5, steps=10**4000), "'steps'"),
        (progress(0.5, more=1), "'more'"),
    ],
)
def test_whatever_else_is_said_breaks_the_protocol(train, message, told):
    training = train(Process((1, commit(1)), (2, message)))
    assert training.failure.status == "protocol_violation"
    assert told in training.failure.message
    assert training.last.weights.tolist() == [1]
