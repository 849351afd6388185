"""What is told of progress, on a terminal and elsewhere."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from metabench.discovery.plugin import Plugin
from metabench.spec.benchmark import Benchmark
from metabench.spec.budget import Budget
from metabench.spec.plan import Entrant, RunPlan
from metabench.spec.protocol import Protocol
from metabench_plugins.listeners.progress import LiveProgress, PlainProgress


@pytest.fixture
def plan() -> RunPlan:
    return RunPlan(
        benchmark=Benchmark("toy-2w1s", "toy", Protocol(2, 1, 3)),
        algorithm=Entrant(Plugin("algorithm", "protonet", "demo:One", "demo", "1"), (), ""),
        backbone=Entrant(Plugin("backbone", "conv4", "demo:Two", "demo", "1"), (), ""),
        features_only=True,
        pretraining="none",
        budget=Budget("6s", seconds=6.0),
        seed=0,
        device="cpu",
        precision="fp32",
        n_threads=1,
    )


@pytest.mark.parametrize("kind", [PlainProgress, LiveProgress])
def test_each_sweep_is_counted_by_itself(kind, plan, capsys) -> None:
    progress = kind()
    for status in ("crashed", "ok"):
        progress.sweep_started(2, 0)
        progress.run_finished(plan, SimpleNamespace(status=status, scores=()))
        progress.sweep_finished()

    told = capsys.readouterr().err
    assert "toy-2w1s protonet seed 0: crashed (1 runs ended, 1 failed, 1 left)\n" in told
    assert "toy-2w1s protonet seed 0: ok (1 runs ended, 0 failed, 1 left)\n" in told
