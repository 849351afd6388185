"""Fixtures for the rooms of the core."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metabench.leaderboards.table import Leaderboard, Row, Track
from metabench.results.record import (
    AuditPart,
    BenchmarkPart,
    BudgetPart,
    DatasetPart,
    EnvironmentPart,
    FailurePart,
    PluginPart,
    Record,
    SpentPart,
)
from metabench.scoring.compare import compare_all
from metabench.scoring.interval import Interval

GUESSING = 0.2


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def plugin(name: str, options: dict[str, Any] | None = None, **fields: str) -> PluginPart:
    told = {
        "target": f"demo.{name}:Demo",
        "distribution": "demo",
        "version": "1.0",
        "source_hash": "ab12cd34",
    }
    return PluginPart(name=name, options=options or {}, **(told | fields))


def make(**changes: Any) -> Record:
    """A record of a small benchmark: 4 episodes of 2 classes with 3 queries each.

    Args:
        changes: `algorithm` and `backbone` by name or whole; `benchmark`, `budget`, `environment` and
            `spent` as fields that differ; `verdict`, `failure`, and any field of the record.
    """
    algorithm, backbone = changes.pop("algorithm", "protonet"), changes.pop("backbone", "conv4")
    parts = {
        "benchmark": BenchmarkPart(
            name="toy-2w1s",
            dataset=DatasetPart(name="toy", content_hash=digest("content"), split_hash=digest("split")),
            source=None,
            protocol="2w1s",
            parameters={"n_way": 2, "n_shot": 1, "n_query": 3},
            sampler_version=1,
            stream_seed=0,
            n_episodes=4,
            metric="accuracy",
            manifest_hash=digest("manifest"),
        ),
        "budget": BudgetPart(name="300s", seconds=300.0, episodes=None, memory_mib=8192, adaptation_s=5.0),
        "environment": EnvironmentPart(
            metabench="0.1.0",
            engine_hash=digest("engine"),
            python="3.11",
            torch="2.13.0",
            numpy="2.4",
            platform="Linux",
            processor="demo",
            device_class="cpu-2",
            precision="fp32",
            isolation="rlimits",
        ),
        "spent": SpentPart(
            startup_s=1.0,
            meta_training_s=300.0,
            test_s=9.0,
            processor_s=590.0,
            peak_memory_mib=512.0,
            peak_device_mib=None,
            steps=10,
            episodes=20,
            examples=30,
        ),
    }
    parts = {name: part.model_copy(update=changes.pop(name, {})) for name, part in parts.items()}
    status, seed = changes.pop("status", "ok"), changes.pop("seed", 0)
    phase = changes.pop("failed_in", "test" if status != "ok" else None)
    failure = phase and FailurePart(
        phase=phase, message="it failed", exit_code=1, signal=None, stderr_tail=""
    )
    audit = AuditPart(
        verdict=changes.pop("verdict", "inductive"),
        n_episodes=2,
        noise_floor=0.0,
        from_company=0.0,
        from_history=0.0,
    )
    told = {
        "identity": digest(f"{algorithm} {backbone} {seed} {parts}"),
        "started": "2026-01-01T00:00:00+00:00",
        "algorithm": plugin(algorithm) if isinstance(algorithm, str) else algorithm,
        "backbone": plugin(backbone) if isinstance(backbone, str) else backbone,
        "pretraining": "none",
        "compute": None,
        "calibration": None,
        "seed": seed,
        "status": status,
        "blame": "nobody" if status == "ok" else "method",
        "failure": failure,
        "scores": (),
        "curve": (),
        "audit": audit,
        "files": {},
    }
    return Record(**(parts | told | changes))


@pytest.fixture(scope="session")
def make_record() -> Callable[..., Record]:
    """Makes records; see `make`."""
    return make


@pytest.fixture
def make_plugin() -> Callable[..., PluginPart]:
    """Makes the record of a plugin from its name, options and further fields."""
    return plugin


def make_row(
    algorithm: str, mean: float, *, backbone: str = "conv4", is_ranked: bool = True, **changes: Any
) -> Row:
    row = Row(
        algorithm=algorithm,
        backbone=backbone,
        plugins=(plugin(algorithm), plugin(backbone)),
        n_seeds=1,
        score=Interval(mean, mean - 0.01, mean + 0.01),
        rank=(1, 2) if is_ranked else None,
        spent_s=1.0,
        spent_episodes=1.0,
        peak_memory_mib=1.0,
        verdict="inductive",
        status="ok",
        coverage=1.0,
    )
    return replace(row, **changes)


@pytest.fixture
def row() -> Callable[..., Row]:
    """Makes a row of an algorithm with a mean."""
    return make_row


def ranked_by(row: Row) -> float:
    """The mean in which whatever a row failed to answer counts as guessing."""
    return GUESSING if row.score is None else row.coverage * row.score.mean + (1 - row.coverage) * GUESSING


@pytest.fixture
def board(make_record: Callable[..., Record]) -> Callable[..., Leaderboard]:
    """Makes a board of a benchmark with rows, as they rank."""

    def make_board(name: str, *rows: Row, higher_is_better: bool = True, **rules: Any) -> Leaderboard:
        record = make_record(benchmark={"name": name})
        track = Track(record.benchmark, record.budget, False, "cpu-2", "fp32")
        scores = [np.full((1, 4), ranked_by(one)) for one in rows if one.rank]
        compared = compare_all(scores, higher_is_better=higher_is_better)
        return Leaderboard(replace(track, **rules), "accuracy", True, rows, comparisons=compared)

    return make_board
