"""Boards to show and to sum up, without results behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from metabench.leaderboards.table import Leaderboard, Row, Track
from metabench.results.record import Record
from metabench.scoring.compare import compare_all
from metabench.scoring.interval import Interval


def make_row(algorithm: str, mean: float, *, is_ranked: bool = True, **changes: Any) -> Row:
    row = Row(
        algorithm=algorithm,
        backbone="conv4",
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


@pytest.fixture
def board(make_record: Callable[..., Record]) -> Callable[..., Leaderboard]:
    """Makes a board of a benchmark with rows, as they rank."""

    def make(name: str, *rows: Row, higher_is_better: bool = True, **rules: Any) -> Leaderboard:
        record = make_record(benchmark={"name": name})
        track = Track(record.benchmark, record.budget, False, "cpu-2", "fp32")
        scores = [np.full((1, 4), one.score.mean) for one in rows if one.rank and one.score]
        compared = compare_all(scores, higher_is_better=higher_is_better)
        return Leaderboard(replace(track, **rules), "accuracy", True, rows, comparisons=compared)

    return make
