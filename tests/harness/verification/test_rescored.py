"""Level 1: numbers that the predictions do not give, and labels that are not the benchmark's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metabench.data.recipe import Source
from metabench.results.files import read_curve, read_outcomes, read_predictions, read_record
from metabench.results.folder import Stored, write_result
from metabench.results.outcomes import encode
from metabench.results.predictions import Predictions, joined
from metabench.verification.rescored import check_scores
from metabench.verification.written import check_written


def predictions_of(result) -> Predictions:
    return read_predictions(result.folder, result.record)


def test_what_follows_from_the_predictions_is_verified(result, machine) -> None:
    found = check_scores(result.stored, machine)

    assert (found.outcome, found.problems, found.remarks) == ("verified", (), ())
    assert found.checked == "its score and its curve, up to rounding; the labels and classes of 40 episodes"


@pytest.mark.parametrize("place", [0, 1])
@pytest.mark.parametrize("field", ["mean", "low", "high"])
def test_a_score_that_differs_by_more_than_rounding_is_found(result, machine, field: str, place: int) -> None:
    scores = list(result.record.scores)
    score = scores[place]
    other = getattr(score, field) + 1e-7
    scores[place] = score.model_copy(update={field: other})
    forged = result.forge(scores=tuple(scores))

    assert not check_written(forged.folder).problems
    (problem,) = check_scores(forged.stored, machine).problems
    assert problem.startswith(f"{score.metric} is ")
    assert repr(other) in problem.partition("; its predictions give ")[0]
    assert repr(getattr(score, field)) in problem.partition("; its predictions give ")[2]


@pytest.mark.parametrize("place", [0, 1])
def test_a_curve_that_was_smoothed_is_found(result, machine, place: int) -> None:
    curve = list(result.record.curve)
    curve[place] = curve[place].model_copy(update={"mean": curve[place].mean + 1e-7})

    (problem,) = check_scores(result.forge(curve=tuple(curve)).stored, machine).problems
    assert problem.startswith(f"The curve at {curve[place].meta_training_s} s is ")


def test_what_another_processor_computes_otherwise_in_its_last_bits_is_verified(result, machine) -> None:
    def nudged(number):
        return np.nextafter(number, 2)

    def nudged_part(part):
        return part.model_copy(
            update={name: float(nudged(getattr(part, name))) for name in ("mean", "low", "high")}
        )

    told = read_outcomes(result.folder, result.record)
    other = replace(
        told,
        scores={name: nudged(one) for name, one in told.scores.items()},
        sums={name: nudged(one) for name, one in told.sums.items()},
        guessing=nudged(told.guessing),
    )
    assert not np.array_equal(other.scores["accuracy"], told.scores["accuracy"])
    (result.folder / "outcomes.parquet").write_bytes(encode(other))
    scores, curve = (tuple(map(nudged_part, one)) for one in (result.record.scores, result.record.curve))
    assert (scores, curve) != (result.record.scores, result.record.curve)

    assert check_scores(result.forge(scores=scores, curve=curve).stored, machine).problems == ()


def test_altered_predictions_are_found_whatever_their_hash(result, machine) -> None:
    told = predictions_of(result)
    better = tuple(np.eye(2, dtype=np.float32)[labels] for labels in told.labels)
    forged = result.answer(replace(told, logits=better)).forge()

    assert not check_written(forged.folder).problems
    of_score, of_share, of_episodes, of_classes = check_scores(forged.stored, machine).problems
    assert of_score.endswith("; its predictions give 1.0 [1.0, 1.0] over 40 episodes.")
    assert of_share.startswith("share is ")
    assert of_episodes == "The outcomes of episodes are not the scores of their predictions."
    assert of_classes == "The outcomes of classes are not those of their predictions."


def test_outcomes_that_were_altered_are_found_whatever_their_hash(result, machine) -> None:
    told = read_outcomes(result.folder, result.record)
    better = replace(told, scores={"accuracy": told.scores["accuracy"] + 0.01})
    (result.folder / "outcomes.parquet").write_bytes(encode(better))

    assert check_scores(result.forge().stored, machine).problems == (
        "The outcomes of episodes are not the scores of their predictions.",
    )


def test_sums_that_were_altered_are_found_whatever_their_hash(result, machine) -> None:
    told = read_outcomes(result.folder, result.record)
    better = replace(told, sums={"share": told.sums["share"] + 1})
    (result.folder / "outcomes.parquet").write_bytes(encode(better))

    assert check_scores(result.forge().stored, machine).problems == (
        "The outcomes of episodes are not the scores of their predictions.",
    )


def test_a_metric_that_is_not_here_is_not_compared(make_result, machine) -> None:
    result = make_result()
    told, *_ = result.record.scores
    other = told.model_copy(update={"metric": "other"})

    found = check_scores(result.forge(scores=(told, other)).stored, machine)
    assert not found.problems
    assert "Metric 'other' is not compared: install the extension that has it." in found.remarks


def test_predictions_of_another_result_are_found_whatever_their_hash(make_result, machine) -> None:
    one, other = make_result(0), make_result(1)
    forged = one.answer(predictions_of(other)).forge()

    assert check_scores(forged.stored, machine).problems


def test_labels_that_suit_the_answers_are_found(result, machine) -> None:
    told = predictions_of(result)
    suited = Predictions(told.logits, tuple(logits.argmax(-1) for logits in told.logits))
    commits = [Predictions(one.logits, suited.labels[:4]) for one in read_curve(result.folder, result.record)]
    forged = result.answer(suited).answer(joined(commits), "curve.parquet").forge_scores()

    assert forged.record.scores[0].mean == 1.0
    assert not check_written(forged.folder).problems
    n_wrong = sum(not np.array_equal(*pair) for pair in zip(told.labels, suited.labels, strict=True))
    assert check_scores(forged.stored, machine).problems == (
        f"The labels of {n_wrong} episodes are not the benchmark's.",
    )


def test_classes_that_are_named_anew_are_found(result, machine) -> None:
    told = predictions_of(result)
    turned = replace(told, classes=tuple(one[::-1] for one in told.classes))

    assert check_scores(result.stored, machine).checked.endswith("; the labels and classes of 40 episodes")
    assert check_scores(result.answer(turned).forge_scores().stored, machine).problems == (
        "The classes of 40 episodes are not the benchmark's.",
    )


def test_a_result_of_old_without_classes_verifies(result, machine) -> None:
    old = result.answer(replace(predictions_of(result), classes=()))
    (old.folder / "outcomes.parquet").unlink()
    old = old.forge()

    found = check_scores(old.stored, machine)
    assert not found.problems
    assert found.checked.endswith("; the labels of 40 episodes")


def test_a_curve_with_labels_of_its_own_is_found(result, machine) -> None:
    commits = read_curve(result.folder, result.record)
    others = [Predictions(one.logits, tuple(1 - labels for labels in one.labels)) for one in commits]
    forged = result.answer(joined(others), "curve.parquet").forge_scores()

    assert check_scores(forged.stored, machine).problems == (
        "Commit 1 of the curve has other labels than the predictions.",
        "Commit 2 of the curve has other labels than the predictions.",
    )


def test_fewer_episodes_are_not_taken_for_all(result, machine) -> None:
    told = predictions_of(result)
    forged = result.answer(Predictions(told.logits[:30], told.labels[:30])).forge_scores()

    assert check_scores(forged.stored, machine).problems == (
        "There are answers to 30 episodes; expected 40.",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"manifest_hash": "f" * 64}, "Its episodes have the hash ffffffff"),
        ({"stream_seed": 1}, "Its episodes have the hash "),
        ({"protocol": "3w1s"}, "Protocol '3w1s' has the parameters "),
        (
            {"protocol": "7w1s", "parameters": {"n_way": 7, "n_shot": 1, "n_query": 3}},
            "expected 21 queries with 7 logits each",
        ),
    ],
)
def test_another_benchmark_than_the_record_names_is_found(make_result, machine, changes, said: str) -> None:
    result = make_result()
    forged = result.forge(benchmark=result.record.benchmark.model_copy(update=changes), new_identity=True)

    found = check_scores(forged.stored, machine)
    assert found.outcome == "does not verify"
    assert any(said in problem for problem in found.problems)


# What cannot be compared


def test_labels_of_a_dataset_that_is_not_here_are_not_compared(result, machine) -> None:
    source = Source("toy.zip", "", None, None)
    absent = replace(machine.datasets["toy"], sources=(source,), content_hash="0" * 64)
    elsewhere = replace(machine, datasets={"toy": absent}, _arenas={})

    found = check_scores(result.stored, elsewhere)
    assert (found.outcome, found.checked) == ("verified", "its score and its curve, up to rounding")
    (remark,) = found.remarks
    assert remark.startswith("Labels are not compared: Dataset 'toy' needs the file 'toy.zip'; ")
    assert "Run `metabench data pull toy`" in remark


def test_labels_of_an_unknown_dataset_are_not_compared(result, machine) -> None:
    found = check_scores(result.stored, replace(machine, datasets={}, _arenas={}))

    assert found.remarks == (
        "Labels are not compared: Dataset 'toy' is unknown here. Install the extension that has it.",
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"content_hash": "f" * 64}, "; the result's ffffffffffffffff and "),
        ({"split_hash": "e" * 64}, " and eeeeeeeeeeeeeeee."),
    ],
)
def test_labels_of_a_dataset_with_other_content_are_not_compared(result, machine, changes, said: str) -> None:
    benchmark = result.record.benchmark
    dataset = benchmark.dataset.model_copy(update=changes)
    forged = result.forge(benchmark=benchmark.model_copy(update={"dataset": dataset}), new_identity=True)

    found = check_scores(forged.stored, machine)
    assert found.outcome == "verified"
    assert said in found.remarks[0]


def test_labels_of_another_sampler_are_not_compared(result, machine) -> None:
    benchmark = result.record.benchmark.model_copy(update={"sampler_version": 7})

    found = check_scores(result.forge(benchmark=benchmark, new_identity=True).stored, machine)
    assert found.remarks == ("Labels are not compared: they were drawn by sampler 7; this metabench has 1.",)


def test_a_curve_whose_predictions_were_not_kept_is_not_compared(result, machine) -> None:
    (result.folder / "curve.parquet").unlink()

    found = check_scores(result.forge().stored, machine)
    assert found.checked == "its score, up to rounding; the labels and classes of 40 episodes"
    assert found.remarks == ("The curve is not compared: its schema kept no predictions of earlier commits.",)


def test_without_its_metric_nothing_can_be_verified(result, machine) -> None:
    found = check_scores(result.stored, replace(machine, metrics={}))

    assert found.problems == ("Metric 'accuracy' is unknown here. Install the extension that has it.",)


def test_a_run_that_could_not_be_tested_has_nothing_to_compare(make_record, machine, tmp_path) -> None:
    folder = write_result(tmp_path, make_record(status="crashed"), {})

    found = check_scores(Stored(folder, read_record(folder)), machine)
    assert (found.outcome, found.remarks) == (
        "not compared",
        ("Nothing was scored, as its status is 'crashed'.",),
    )
