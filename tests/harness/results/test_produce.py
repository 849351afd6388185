"""A result is found or made; what the machine fails at is tried again, what a method fails at is not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metabench.data.dataset import Dataset, Pool
from metabench.data.places import Places
from metabench.discovery.plugin import Plugin
from metabench.episodes.manifest import draw_all
from metabench.episodes.stream import named_stream
from metabench.referee.events import Listener
from metabench.referee.outcome import Outcome, RunError
from metabench.results import produce
from metabench.results.arena import Arena, arena_key
from metabench.results.produce import ATTEMPTS, Producer
from metabench.scoring.metric import Metric
from metabench.spec.benchmark import Benchmark
from metabench.spec.budget import parse_budget
from metabench.spec.plan import Entrant, RunPlan
from metabench.spec.protocol import Protocol
from metabench.wire.reports import Bench

PLAN = RunPlan(
    benchmark=Benchmark("toy-2w1s", "toy", Protocol(2, 1, 3), n_episodes=4),
    algorithm=Entrant(Plugin("algorithm", "one", "one:One", "demo", "1"), (), "2" * 64),
    backbone=Entrant(Plugin("backbone", "two", "two:Two", "demo", "1"), (), "3" * 64),
    features_only=True,
    pretraining="none",
    budget=parse_budget("6s"),
    seed=0,
    device="cpu",
    precision="fp32",
    n_threads=1,
)
METRIC = Metric("accuracy", "accuracy", lambda logits, labels: logits[:, 0, 0].astype(np.float64))


@pytest.fixture
def producer(tmp_path, make_record):
    pool = Pool(np.zeros((12, 1, 2, 2), np.uint8), np.array([0, 4, 8, 12]), ("a", "b", "c"))
    dataset = Dataset("toy", "image", {"meta_test": pool}, "0" * 64, "1" * 64)
    episodes = draw_all(pool.starts, PLAN.benchmark.protocol, named_stream("test"), 4)
    arena = Arena(dataset, episodes, make_record().benchmark)
    return Producer(
        {arena_key(PLAN): arena},
        {"accuracy": METRIC},
        {},
        tmp_path / "results",
        Places(tmp_path, mirror=None),
        Listener(),
    )


@pytest.fixture
def referee(monkeypatch):
    """Puts something in the referee's place that raises one error a run, and then ends runs so."""

    def of(*errors, status="crashed"):
        calls = []

        def run(match):
            calls.append(match)
            if len(calls) <= len(errors):
                raise errors[len(calls) - 1]
            return Outcome.of_nothing(RunError(status, "it ends so", "meta-training"))

        monkeypatch.setattr(produce, "referee_run", run)
        return calls

    return of


def test_what_the_machine_fails_at_is_tried_again(producer, referee):
    calls = referee(OSError("no process can be started"))

    assert producer.produce(PLAN).status == "crashed"
    assert len(calls) == 2


def test_a_machine_that_goes_on_failing_is_a_result_that_says_so(producer, referee):
    calls = referee(*[OSError(f"no disk {number}") for number in range(9)])

    record = producer.produce(PLAN)

    assert len(calls) == ATTEMPTS
    assert (record.status, record.blame) == ("harness_error", "infrastructure")
    assert record.failure.message == f"OSError: no disk {ATTEMPTS - 1} (attempt {ATTEMPTS})"
    assert "no disk" in record.failure.stderr_tail


def test_such_a_result_is_made_again_by_the_next_command(producer, referee):
    referee(*[OSError("no disk")] * ATTEMPTS)
    producer.produce(PLAN)
    assert producer.stored(PLAN) is None
    calls = referee()

    assert producer.produce(PLAN).status == "crashed"
    assert len(calls) == 1


@pytest.mark.parametrize("status", ["crashed", "timeout", "out_of_memory", "invalid_output"])
def test_what_a_method_fails_at_is_never_tried_again(producer, referee, status):
    calls = referee(status=status)

    producer.produce(PLAN)
    producer.produce(PLAN)

    assert len(calls) == 1
    assert producer.stored(PLAN).blame == "method"


def test_a_missing_requirement_is_tried_by_the_next_command(producer, referee):
    calls = referee(status="plugin_error")

    producer.produce(PLAN)
    producer.produce(PLAN)

    assert len(calls) == 2


class Calibrator:
    """Measures a machine that becomes slower each time."""

    def __init__(self, calls):
        self.asked, self._calls = [], calls

    def measure(self, bench):
        self.asked.append((bench, len(self._calls)))
        return {"work": float(len(self.asked))}


def test_the_machine_is_measured_before_and_after_a_run(producer, referee):
    calibrator = Calibrator(referee())
    record = replace(producer, calibrator=calibrator).produce(PLAN)

    bench = Bench(device="cpu", n_threads=1)
    assert calibrator.asked == [(bench, 0), (bench, 1)]
    assert (record.calibration.before_s, record.calibration.after_s) == ({"work": 1.0}, {"work": 2.0})
    assert record.calibration.drift == 1.0


def test_it_is_not_measured_for_a_result_that_is_there(producer, referee):
    calibrator = Calibrator(referee())
    producer.produce(PLAN)
    replace(producer, calibrator=calibrator).produce(PLAN)

    assert calibrator.asked == []


def test_it_is_not_measured_where_no_seconds_are_to_be_spent(producer, referee):
    calibrator = Calibrator(referee())
    plan = replace(PLAN, budget=parse_budget("9ep"))

    assert replace(producer, calibrator=calibrator).produce(plan).calibration is None
    assert calibrator.asked == []


def test_where_nobody_measures_the_record_says_nothing(producer, referee):
    referee()

    assert producer.produce(PLAN).calibration is None
