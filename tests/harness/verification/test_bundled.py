"""Bundles: what was left out is told and no problem; what stands in them is compared all the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metabench.results.bundle import write_bundle
from metabench.results.files import read_outcomes
from metabench.results.outcomes import encode
from metabench.verification import repeated
from metabench.verification import result as result_module
from metabench.verification.bundled import check_outcomes
from metabench.verification.repeated import check_run
from metabench.verification.result import Depth, verify_result
from metabench.verification.written import check_written

NOT_COMPARED = "Outcomes and curve are not compared with predictions, as these were left out."


@pytest.fixture
def bundle_of(tmp_path: Path):
    return lambda result: type(result)(write_bundle(result.stored, tmp_path / "published"))


@pytest.fixture
def bundle(result, bundle_of):
    """The bundle of a result that verifies."""
    return bundle_of(result)


def forged(bundle, **changes):
    """The bundle with other outcomes and a record that tells their hash, sealed anew."""
    told = read_outcomes(bundle.folder, bundle.record)
    (bundle.folder / "outcomes.parquet").write_bytes(encode(replace(told, **changes)))
    return bundle.forge(files=dict(bundle.record.files) | bundle.forge().record.files)


def test_a_bundle_is_verified_and_says_what_it_lacks(bundle, machine) -> None:
    written, scored = verify_result(bundle.folder, machine, Depth())

    assert (written.outcome, scored.outcome) == ("verified", "verified")
    (remark,) = written.remarks
    assert remark.startswith("A bundle, without curve.parquet, predictions.parquet, weights.safetensors: ")
    assert scored.checked == "its score, from its outcomes, up to rounding; the classes of 40 episodes"
    assert scored.remarks == (NOT_COMPARED,)


@pytest.mark.parametrize("name", ["outcomes.parquet", "result.json"])
def test_a_bundle_cannot_do_without_its_own_files(bundle, name: str) -> None:
    (bundle.folder / name).unlink()

    assert check_written(bundle.folder).problems


def test_a_result_that_lost_a_file_is_no_bundle(result) -> None:
    (result.folder / "weights.safetensors").unlink()

    assert check_written(result.folder).problems == (
        "There is no file 'weights.safetensors', of which its record tells.",
    )


def test_every_byte_of_the_outcomes_counts(bundle) -> None:
    file = bundle.folder / "outcomes.parquet"
    content = file.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 50)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        (problem,) = check_written(bundle.folder).problems
        assert problem.startswith("File 'outcomes.parquet' has sha256 ")


# What somebody finds out who makes hashes and seal anew


def test_a_small_change_of_one_episode_is_found(bundle, machine) -> None:
    scores = read_outcomes(bundle.folder, bundle.record).scores["accuracy"].copy()
    scores[7] = scores[7] - 1e-6
    made = forged(bundle, scores={"accuracy": scores})

    (problem,) = check_outcomes(made.stored, machine).problems
    assert problem.startswith("accuracy is ")
    assert "; its outcomes give " in problem


def test_scores_that_no_episode_can_have_are_found(bundle, machine) -> None:
    scores = read_outcomes(bundle.folder, bundle.record).scores["accuracy"] + 1
    made = forged(bundle, scores={"accuracy": scores})
    bounded = replace(machine, metrics={"accuracy": replace(machine.metrics["accuracy"], highest=1.0)})

    assert any(
        "by 'accuracy'; expected -inf … 1." in one for one in check_outcomes(made.stored, bounded).problems
    )


def test_scores_and_outcomes_by_other_metrics_are_found(bundle, machine) -> None:
    told, _ = bundle.record.scores
    scores = read_outcomes(bundle.folder, bundle.record).scores["accuracy"]
    made = forged(bundle, scores={"accuracy": scores, "one": scores}, sums={})
    made = made.forge(
        files=made.record.files, scores=(told, told.model_copy(update={"metric": "other", "mean": 0.5}))
    )

    of_score, of_outcomes = check_outcomes(made.stored, machine).problems
    assert of_score.startswith("other is 0.5 [")
    assert of_score.endswith("; no outcomes give it.")
    assert of_outcomes == "There are outcomes by 'one'; its record tells of no such score."


def test_one_query_of_a_pooled_metric_is_found(bundle, machine) -> None:
    sums = read_outcomes(bundle.folder, bundle.record).sums["share"].copy()
    sums[7, 0] -= 1

    (problem,) = check_outcomes(forged(bundle, sums={"share": sums}).stored, machine).problems
    assert problem.startswith("share is ")
    assert "; its outcomes give " in problem


@pytest.mark.filterwarnings("error")
def test_sums_that_make_no_metric_are_found(bundle, machine) -> None:
    wide, empty = ({"share": np.zeros((40, n_sums))} for n_sums in (3, 2))

    assert check_outcomes(forged(bundle, sums=wide).stored, machine).problems == (
        "There are sums of shape (40, 3) for 'share'; expected 2 of at least one episode.",
    )
    (problem,) = check_outcomes(forged(bundle, sums=empty).stored, machine).problems
    assert problem.endswith("; its outcomes give nan [nan, nan] over 40 episodes.")


def test_a_pooled_metric_that_is_not_installed_is_named(bundle, machine) -> None:
    found = check_outcomes(bundle.stored, replace(machine, pooled={}))

    assert found.problems == ()
    assert "Metric 'share' is not compared: install the extension that has it." in found.remarks


def test_classes_of_other_episodes_are_found(bundle, machine) -> None:
    classes = list(read_outcomes(bundle.folder, bundle.record).classes)
    classes[3] = classes[3][::-1]

    assert check_outcomes(forged(bundle, classes=tuple(classes)).stored, machine).problems == (
        "The classes of 1 episodes are not the benchmark's.",
    )


def test_what_guessing_scores_tells_the_shape_of_an_episode(bundle, machine) -> None:
    told = read_outcomes(bundle.folder, bundle.record)
    guessing = told.guessing.copy()
    guessing[:2] = 0.2
    made = forged(bundle, guessing=guessing, classes=(), class_scores=())

    found = check_outcomes(made.stored, machine)
    assert found.problems == ("The guessed scores of 2 episodes are not the benchmark's.",)
    unnamed = check_outcomes(forged(made, guessing=told.guessing).stored, machine)
    assert unnamed.checked.endswith("; the guessed scores of 40 episodes")


def test_fewer_episodes_are_not_taken_for_all(bundle, machine) -> None:
    told = read_outcomes(bundle.folder, bundle.record)
    made = forged(
        bundle,
        scores={"accuracy": told.scores["accuracy"][:30]},
        guessing=told.guessing[:30],
        classes=told.classes[:30],
        class_scores=told.class_scores[:30],
        sums={"share": told.sums["share"][:30]},
    )

    assert check_outcomes(made.stored, machine).problems[2:] == (
        "There are answers to 30 episodes; expected 40.",
    )


# What cannot be compared


@pytest.mark.parametrize(
    ("absent", "said"),
    [
        ({"datasets": {}}, "Dataset 'toy' is unknown here. Install the extension that has it."),
        ({"metrics": {}}, "metric 'accuracy' is unknown here. Install the extension that has it."),
    ],
    ids=["dataset", "metric"],
)
def test_what_is_not_here_is_not_compared(bundle, machine, absent, said: str) -> None:
    found = check_outcomes(bundle.stored, replace(machine, **absent, _arenas={}))

    assert (found.outcome, found.checked) == ("verified", "its score, from its outcomes, up to rounding")
    assert found.remarks == (NOT_COMPARED, f"Episodes are not compared: {said}")


def test_a_bundle_of_a_run_without_scores_is_verified_at_level_0(make_result, bundle_of, machine) -> None:
    result = make_result(status="crashed", failed_in="meta-training", verdict="not audited")
    audit = result.record.audit.model_copy(update={"n_episodes": 0})
    for name in ("outcomes.parquet", "predictions.parquet", "curve.parquet"):
        (result.folder / name).unlink()
    made = bundle_of(result.forge(scores=(), curve=(), audit=audit))

    written, scored = verify_result(made.folder, machine, Depth())
    assert (written.outcome, scored.outcome) == ("verified", "not compared")
    assert written.remarks == ("A bundle, without weights.safetensors: their hashes are not compared.",)
    assert scored.remarks == ("Nothing was scored, as its status is 'crashed'.",)


def test_weights_that_were_left_out_cannot_be_asked(bundle, machine) -> None:
    *_, asked = verify_result(bundle.folder, machine, Depth(n_again=5))

    assert (asked.level, asked.outcome) == (2, "not compared")
    assert asked.remarks == (
        "Its weights were left out, as of every bundle; verify the result that it was made of.",
    )


# Level 3


@pytest.fixture
def run_again(make_result, bundle_of, machine, monkeypatch):
    """Verifies a bundle whose second run has the same outcomes but for those that are given."""
    bundle = bundle_of(make_result(budget={"seconds": None, "episodes": 6, "name": "6ep"}))
    told = read_outcomes(bundle.folder, bundle.record)
    nudged = {
        "scores": {"accuracy": np.nextafter(told.scores["accuracy"], 9)},
        "class_scores": tuple(np.nextafter(one, 9) for one in told.class_scores),
    }

    def check(*fields: str):
        now = repeated._Run(bundle.record, None, replace(told, **{one: nudged[one] for one in fields}))
        monkeypatch.setattr(repeated, "repeatable", lambda *_: type("Run", (), {"differences": ()}))
        monkeypatch.setattr(repeated, "_check_device", lambda *_: None)
        monkeypatch.setattr(repeated, "_made", lambda *_: now)
        return check_run(bundle.stored, machine)

    return check


def test_the_same_outcomes_of_a_second_run_verify_a_bundle(run_again) -> None:
    found = run_again()

    assert (found.level, found.outcome) == (3, "verified")
    assert found.checked == "status, verdict and outcomes, to the last bit"


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("scores", "The outcomes of episodes by accuracy are others."),
        ("class_scores", "The outcomes of classes are others."),
    ],
)
def test_other_outcomes_of_a_second_run_are_found(run_again, field: str, said: str) -> None:
    assert run_again(field).problems == (said,)


def test_no_more_is_asked_of_a_bundle_than_it_has(bundle, machine, monkeypatch) -> None:
    monkeypatch.setattr(result_module, "check_scores", pytest.fail)

    assert [one.level for one in verify_result(bundle.folder, machine, Depth())] == [0, 1]
