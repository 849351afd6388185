"""What may be published: what verifies whole, and would as a bundle."""

from __future__ import annotations

from dataclasses import replace

from metabench.results.bundle import write_bundle
from metabench.results.folder import Stored
from metabench.verification import publishable
from metabench.verification.publishable import check_publishable


def test_what_verifies_may_be_published(result, machine) -> None:
    found = check_publishable(result.stored, machine)
    assert (found.outcome, found.problems, found.remarks) == ("verified", (), ())


def test_a_problem_of_any_level_is_a_refusal(result, machine) -> None:
    score, *others = result.record.scores
    forged = result.forge(scores=(score.model_copy(update={"mean": score.high}), *others))

    (problem,) = check_publishable(forged.stored, machine).problems
    assert "; its predictions give " in problem


def test_what_would_not_verify_as_a_bundle_is_refused(result, machine) -> None:
    score, *others = result.record.scores
    forged = result.forge(scores=(score, *others, score.model_copy(update={"metric": "unknown"})))

    (problem,) = check_publishable(forged.stored, machine).problems
    assert problem.endswith("; no outcomes give it.")


def test_nothing_is_run(result, machine, monkeypatch) -> None:
    asked = []

    def verify_result(folder, machine, depth):
        asked.append((depth.n_again, depth.full))
        return iter(())

    monkeypatch.setattr(publishable, "verify_result", verify_result)
    check_publishable(result.stored, machine)
    assert asked == [(None, False)]


def test_a_bundle_cannot_show_that_predictions_give_its_outcomes(result, machine, tmp_path) -> None:
    bundle = write_bundle(result.stored, tmp_path / "published")

    assert check_publishable(Stored(bundle, result.record), machine).problems == (
        "It is a bundle already; expected the whole result, with its predictions. Add that one.",
    )


def test_a_result_of_old_has_to_be_run_again(result, machine) -> None:
    (result.folder / "outcomes.parquet").unlink()

    assert check_publishable(result.forge().stored, machine).problems == (
        "It has no outcomes, as an earlier metabench made it; expected outcomes.parquet. Run it again.",
    )


def test_what_cannot_be_compared_here_is_remarked(result, machine) -> None:
    found = check_publishable(result.stored, replace(machine, datasets={}, _arenas={}))

    assert found.problems == ()
    (remark,) = found.remarks
    assert remark.startswith("Labels are not compared: ")
