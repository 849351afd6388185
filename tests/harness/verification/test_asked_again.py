"""Level 2: weights that do not give the predictions, and orders that are not known here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metabench.referee.disguise import fingerprint, secret_stream
from metabench.referee.outcome import RunError
from metabench.results.files import contents_of, read_predictions, read_record
from metabench.results.folder import Stored, write_result
from metabench.results.record import AuditPart
from metabench.verification import asked_again
from metabench.verification.asked_again import check_answers
from metabench.verification.finding import Finding
from metabench.verification.plan import Repeatable

Made = Any


@pytest.fixture
def answering(monkeypatch, machine) -> Callable[..., Finding]:
    """Verifies a result whose method answers what is stored, with something added in each order."""

    def check(result: Made, *added: float) -> Finding:
        told, orders = read_predictions(result.folder, result.record), iter(added)

        def replay(match, weights, numbers):
            shift = np.array([next(orders), 0.0], np.float32)
            return [told.logits[one] + shift for one in numbers]

        run = Repeatable(None, machine.arena(result.record.benchmark), ("torch 2.6 → 2.13",))
        monkeypatch.setattr(asked_again, "repeatable", lambda *_: run)
        monkeypatch.setattr(asked_again, "replay", replay)
        return check_answers(result.stored, machine, 20)

    return check


def own(result: Made, machine) -> Made:
    """The result as one that was made with this machine's key."""
    secret = secret_stream(machine.places.home, result.record.identity)
    return result.forge(disguise=fingerprint(secret))


@pytest.mark.parametrize(("added", "outcome"), [(1e-5, "verified"), (0.01, "does not verify")])
def test_in_the_order_of_the_run_logits_agree_within_noise(
    result, machine, answering, added, outcome
) -> None:
    found = answering(own(result, machine), added)

    assert found.outcome == outcome
    assert "logits of 20 episodes" in (found.problems or (found.checked,))[0]
    assert found.remarks == ("Not as where it ran: torch 2.6 → 2.13.",)


def test_a_noise_floor_that_the_audit_has_measured_counts(make_result, machine, answering) -> None:
    noisy = AuditPart(verdict="inductive", n_episodes=4, noise_floor=9e-4, from_company=0.0, from_history=0.0)

    assert answering(own(make_result(), machine), 3e-3).outcome == "does not verify"
    assert answering(own(make_result(audit=noisy), machine), 3e-3).outcome == "verified"


@pytest.mark.parametrize(("added", "outcome"), [(1e-5, "verified"), (0.01, "does not verify")])
def test_where_the_order_is_nothing_to_a_method_logits_agree(result, answering, added, outcome) -> None:
    found = answering(result, added, added)

    assert found.outcome == outcome
    assert "logits of 20 episodes" in (found.problems or (found.checked,))[0]


def test_where_answers_depend_on_an_unknown_order_scores_are_compared(result, answering) -> None:
    found = answering(result, 0.0, 0.5)

    assert found.outcome == "verified"
    assert found.checked.startswith("the score of 20 episodes, 0.")
    assert found.remarks[0].startswith("Logits are not compared: another key has put the questions in order")


def test_scores_that_differ_in_an_unknown_order_are_found(result, answering) -> None:
    found = answering(result, 100.0, 0.0)

    (problem,) = found.problems
    assert problem.startswith("The intervals do not overlap: the score of 20 episodes, 0.")


def test_answers_of_another_shape_are_found(result, machine, monkeypatch, answering) -> None:
    own_result = own(result, machine)
    answering(own_result, 0.0)
    monkeypatch.setattr(
        asked_again, "replay", lambda match, weights, numbers: [np.zeros((6, 3), np.float32)] * len(numbers)
    )

    (problem,) = check_answers(own_result.stored, machine, 4).problems
    assert "inf of their spread apart" in problem


def test_a_method_that_fails_now_is_told(result, machine, monkeypatch, answering) -> None:
    def replay(*_):
        raise RunError("timeout", "answering takes more than 5 s", "test")

    answering(result, 0.0, 0.0)
    monkeypatch.setattr(asked_again, "replay", replay)

    assert check_answers(result.stored, machine, 4).problems == (
        "The method fails (timeout): answering takes more than 5 s.",
    )


def test_answers_that_depend_on_earlier_ones_cannot_be_asked_for_again(make_result, machine) -> None:
    found = check_answers(make_result(verdict="stateful").stored, machine, 4)

    assert (found.outcome, found.problems) == ("not compared", ())
    assert "(stateful)" in found.remarks[0]


def test_a_run_that_could_not_be_tested_has_nothing_to_ask(make_record, machine, tmp_path) -> None:
    folder = write_result(tmp_path, make_record(status="crashed"), contents_of(weights=b"weights"))

    found = check_answers(Stored(folder, read_record(folder)), machine, 4)
    assert (found.outcome, found.remarks) == (
        "not compared",
        ("Nothing was answered, as its status is 'crashed'.",),
    )
