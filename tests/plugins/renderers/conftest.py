"""A leaderboard to show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from metabench.leaderboards.table import Leaderboard, Row, Track
from metabench.results.record import BenchmarkPart, BudgetPart, DatasetPart, PluginPart
from metabench.scoring.interval import Interval


def make_plugin(name: str) -> PluginPart:
    return PluginPart(
        name=name, target=f"demo:{name}", distribution="demo", version="1.0", source_hash="0" * 64, options={}
    )


def make_row(**changes: Any) -> Row:
    told: dict[str, Any] = {
        "algorithm": "protonet",
        "backbone": "conv4",
        "plugins": (make_plugin("protonet"), make_plugin("conv4")),
        "n_seeds": 1,
        "score": Interval(0.9793, 0.9766, 0.9820),
        "rank": (1, 2),
        "spent_s": 300.04,
        "spent_episodes": 5120.0,
        "peak_memory_mib": 812.4,
        "verdict": "inductive",
        "status": "ok",
        "coverage": 1.0,
    }
    return Row(**(told | changes))


def make_board(*rows: Row, **changes: Any) -> Leaderboard:
    benchmark = BenchmarkPart(
        name="omniglot-5w1s",
        dataset=DatasetPart(name="omniglot", content_hash="0" * 64, split_hash="1" * 64),
        source=None,
        protocol="5w1s",
        parameters={"n_way": 5, "n_shot": 1, "n_query": 15},
        sampler_version=1,
        stream_seed=0,
        n_episodes=600,
        metric="accuracy",
        manifest_hash="2" * 64,
    )
    budget = BudgetPart(name="300s", seconds=300.0, episodes=None, memory_mib=8192, adaptation_s=5.0)
    budget = budget.model_copy(update=changes.pop("budget", {}))
    benchmark = benchmark.model_copy(update=changes.pop("benchmark", {}))
    told = {"pretrained": False, "device_class": "cpu-2-threads", "precision": "fp32"}
    track = Track(benchmark=benchmark, budget=budget, **(told | changes.pop("track", {})))
    return Leaderboard(track, "accuracy", as_percent=True, rows=rows, **changes)


@pytest.fixture
def row() -> Callable[..., Row]:
    """Makes rows: a good one, with changes."""
    return make_row


@pytest.fixture
def board() -> Callable[..., Leaderboard]:
    """Makes a leaderboard of rows, with changes to its parts."""
    return make_board


@pytest.fixture
def typical() -> Leaderboard:
    """Four methods: two that tie, one that used other queries, one that failed."""
    return make_board(
        make_row(),
        make_row(algorithm="maml", score=Interval(0.9326, 0.9278, 0.9374), status="3 of 3 ok", n_seeds=3),
        make_row(algorithm="transmatch", rank=None, verdict="transductive", status="timeout"),
        make_row(
            algorithm="fomaml",
            score=None,
            rank=None,
            verdict="not audited",
            status="out_of_memory",
            coverage=0.0,
            spent_s=4.21,
        ),
    )
