"""What a record cannot say, even if its seal was made anew."""

from __future__ import annotations

import math
from typing import Any

import pytest

from metabench.results.record import AuditPart, CurvePoint, ScorePart
from metabench.verification.plausible import contradictions


def score(**changes: Any) -> ScorePart:
    told = {"metric": "accuracy", "mean": 0.5, "low": 0.4, "high": 0.6, "n_episodes": 40}
    return ScorePart(**(told | changes))


def point(**changes: Any) -> CurvePoint:
    told = {"meta_training_s": 9.0, "mean": 0.5, "low": 0.4, "high": 0.6, "n_episodes": 4}
    return CurvePoint(**(told | changes))


def audit(**changes: Any) -> AuditPart:
    nothing = {"noise_floor": 0.0, "from_company": 0.0, "from_history": 0.0}
    return AuditPart(**({"verdict": "inductive", "n_episodes": 4} | nothing | changes))


@pytest.mark.parametrize("status", ["ok", "timeout", "crashed", "out_of_memory"])
def test_records_of_all_endings_can_be(result, status: str, make_record) -> None:
    failure = None if status == "ok" else make_record(status=status).failure
    changes = {"status": status, "failure": failure, "blame": "nobody" if status == "ok" else "method"}

    assert [*contradictions(result.record.model_copy(update=changes))] == []


def test_a_run_that_could_not_be_tested_can_be(make_record) -> None:
    untested = make_record(status="crashed", audit=audit(verdict="not audited", n_episodes=0))

    assert [*contradictions(untested)] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"blame": "user"}, "Blame is 'user'; the status 'ok' means 'nobody'."),
        ({"status": "timeout", "blame": "method"}, "Status is 'timeout' without a failure."),
        ({"scores": ()}, "Status is 'ok', but not all was scored and audited."),
        ({"scores": ()}, "There are no scores of the predictions."),
        ({"files": {}}, "There are scores without predictions."),
        ({"files": {"predictions.parquet": "0" * 64}}, "There are scores without weights."),
        ({"curve": ()}, "There is no curve of the predictions of commits."),
        ({"files": {}}, "There is a curve without predictions of commits."),
        (
            {"audit": audit(verdict="stateful")},
            "The audit's verdict is 'stateful'; what it found means 'inductive'.",
        ),
        (
            {"audit": audit(from_company=0.1)},
            "The audit's verdict is 'inductive'; what it found means 'transductive'.",
        ),
        (
            {"audit": audit(n_episodes=0)},
            "The audit's verdict is 'inductive'; what it found means 'not audited'.",
        ),
        ({"scores": (score(n_episodes=39),)}, "39 episodes are scored; the benchmark has 40."),
        ({"scores": (score(metric="f1"),)}, "The score is 'f1'; the benchmark ranks by 'accuracy'."),
        ({"scores": (score(mean=0.7),)}, "The mean 0.7 lies outside of its interval 0.4 … 0.6."),
        ({"scores": (score(mean=math.nan),)}, "The mean nan lies outside of its interval 0.4 … 0.6."),
        ({"curve": (point(low=0.55),)}, "The mean 0.5 lies outside of its interval 0.55 … 0.6."),
        ({"curve": (point(n_episodes=40),)}, "A point of the curve is not over the first 4 episodes."),
        (
            {"curve": (point(), point(meta_training_s=8.0))},
            "The commits of the curve, at [9.0, 8.0] s, are not in the order and the time of meta-training.",
        ),
        (
            {"curve": (point(meta_training_s=300.5),)},
            "The commits of the curve, at [300.5] s, are not in the order and the time of meta-training.",
        ),
        (
            {"audit": audit(noise_floor=math.inf)},
            "The audit has the number inf; expected none below zero, all finite.",
        ),
    ],
)
def test_what_cannot_be_together_is_told(result, changes: dict[str, Any], said: str) -> None:
    assert said in [*contradictions(result.record.model_copy(update=changes))]


def test_no_more_is_spent_than_is_given_and_a_moment_of_grace(make_result) -> None:
    for seconds, said in ((302.0, []), (302.5, ["302.5 s of meta-training are spent; 300 s are given."])):
        record = make_result(spent={"meta_training_s": seconds}).record

        assert [*contradictions(record)] == said


def test_an_audit_needs_something_to_audit(make_record) -> None:
    record = make_record(status="crashed", audit=audit())

    assert [*contradictions(record)] == ["There is an audit without predictions."]
