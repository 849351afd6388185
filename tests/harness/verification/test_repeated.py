"""Level 3: the whole run again, and what must be the same."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from metabench.results.files import read_predictions
from metabench.results.predictions import Predictions
from metabench.results.record import Record
from metabench.verification import repeated
from metabench.verification.finding import Finding
from metabench.verification.repeated import check_run

IN_EPISODES = {"seconds": None, "episodes": 6, "name": "6ep"}


@pytest.fixture
def again(monkeypatch, machine) -> Callable[..., Finding]:
    """Verifies a result whose second run has another record, or a logit that differs in its last bit."""

    def check(
        result: Any, differences: tuple[str, ...] = (), *, nudged: bool = False, **changes: Any
    ) -> Finding:
        told = read_predictions(result.folder, result.record)
        logits = (np.nextafter(told.logits[0], np.float32(9)), *told.logits[1:])
        now = repeated._Run(
            result.record.model_copy(update=changes),
            Predictions(logits, told.labels) if nudged else told,
        )
        run = SimpleNamespace(plan=SimpleNamespace(device="cpu"), differences=differences)
        monkeypatch.setattr(repeated, "repeatable", lambda *_: run)
        monkeypatch.setattr(repeated, "_made", lambda *_: now)
        return check_run(result.stored, machine)

    return check


def test_one_bit_of_one_prediction_is_found(make_result, again) -> None:
    result = make_result(budget=IN_EPISODES)

    assert again(result).outcome == "verified"
    assert again(result, nudged=True).problems == ("The predictions of 1 episodes of 40 are others.",)


def test_a_budget_in_seconds_gives_a_score_within_the_interval(result, again) -> None:
    found = again(result, nudged=True)

    assert found.outcome == "verified"
    assert found.checked.startswith("status, verdict and score: accuracy 0.")
    (remark,) = found.remarks
    assert remark.startswith(
        "Single predictions are not compared, as they need not be the same: a budget in "
    )


def scored(record: Record, by: float) -> dict[str, Any]:
    """The record's score, moved by so many widths of its interval."""
    score, *others = record.scores
    moved = by * (score.high - score.low)
    told = {name: getattr(score, name) + moved for name in ("mean", "low", "high")}
    return {"scores": (score.model_copy(update=told), *others)}


@pytest.mark.parametrize("by", [-1.01, 1.01])
def test_intervals_that_do_not_overlap_are_found(result, again, by: float) -> None:
    (problem,) = again(result, **scored(result.record, by)).problems

    assert problem.startswith("Their intervals do not overlap: accuracy 0.")
    assert again(result, **scored(result.record, 0.98 * by)).outcome == "verified"


@pytest.mark.parametrize(
    ("changes", "differences", "said"),
    [
        ({"environment": {"processor": "other"}}, (), "processor demo (Linux) → other (Linux)"),
        ({"environment": {"platform": "other"}}, (), "processor demo (Linux) → demo (other)"),
        ({"disguise": "e" * 64}, (), "another key has put the questions in order"),
        ({}, ("torch 2.6 → 2.13",), "not as where it ran: torch 2.6 → 2.13"),
    ],
)
def test_elsewhere_predictions_need_not_be_the_same(
    make_result, again, changes, differences, said: str
) -> None:
    result = make_result(budget=IN_EPISODES)
    if "environment" in changes:
        environment = result.record.environment.model_copy(update=changes["environment"])
        changes = {"environment": environment}

    found = again(result, differences, nudged=True, **changes)

    assert found.outcome == "verified"
    assert found.remarks == (f"Single predictions are not compared, as they need not be the same: {said}.",)


def test_another_status_or_verdict_is_found(make_result, make_record, again) -> None:
    result = make_result(budget=IN_EPISODES)
    failed = {"status": "timeout", "failure": make_record(status="timeout").failure}
    stateful = result.record.audit.model_copy(update={"verdict": "stateful"})

    assert again(result, **failed).problems == ("Its status was 'ok'; now it is 'timeout' (it failed).",)
    assert again(result, audit=stateful).problems == (
        "The audit's verdict was 'inductive'; now it is 'stateful'.",
    )


def test_a_run_of_a_gpu_needs_one(make_result, again) -> None:
    result = make_result(environment={"device_class": "cuda"})

    assert again(result).problems == (
        "It ran on 'cuda'; there is no GPU here. Verify it where there is one.",
    )


def test_a_method_that_is_not_here_is_told(result, machine) -> None:
    (problem,) = check_run(result.stored, machine).problems

    assert "is not installed. Install it." in problem
