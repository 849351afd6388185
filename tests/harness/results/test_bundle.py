"""Bundles: what they have, what they do without, and what is a loss instead."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metabench.results.bundle import can_be_bundled, left_out, write_bundle
from metabench.results.files import ResultError, contents_of, read_outcomes, read_record
from metabench.results.folder import Stored, read_all, write_result
from metabench.results.outcomes import Outcomes
from metabench.results.predictions import Predictions

BULKY = ("predictions.parquet", "weights.safetensors")
PREDICTIONS = Predictions((np.zeros((6, 2), np.float32),) * 4, (np.zeros(6, np.int64),) * 4)
OUTCOMES = Outcomes({"accuracy": np.linspace(0, 1, 4)}, np.full(4, 0.5))


@pytest.fixture
def stored(tmp_path: Path, make_record) -> Stored:
    return write(tmp_path / "results", make_record(), contents_of(PREDICTIONS, b"w", outcomes=OUTCOMES))


def write(results: Path, record, contents) -> Stored:
    folder = write_result(results, record, contents)
    return Stored(folder, read_record(folder))


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def test_a_bundle_is_the_record_byte_for_byte_and_the_outcomes(stored, tmp_path) -> None:
    bundle = write_bundle(stored, tmp_path / "published" / "results")

    assert names(bundle) == ["outcomes.parquet", "result.json"]
    assert bundle.name == stored.folder.name
    assert (bundle / "result.json").read_bytes() == (stored.folder / "result.json").read_bytes()
    again = read_outcomes(bundle, read_record(bundle))
    np.testing.assert_array_equal(again.scores["accuracy"], OUTCOMES.scores["accuracy"])


def test_a_bundle_is_a_result_among_others_and_leaves_nothing_beside_it(stored, tmp_path) -> None:
    bundle = write_bundle(stored, tmp_path / "published")

    assert read_all(tmp_path / "published") == ([Stored(bundle, stored.record)], [])
    assert names(tmp_path / "published") == [bundle.name]


def test_a_bundle_of_a_run_without_scores_is_its_record(make_record, tmp_path) -> None:
    failed = write(tmp_path / "results", make_record(status="crashed"), contents_of(weights=b"w"))

    bundle = write_bundle(failed, tmp_path / "published")

    assert names(bundle) == ["result.json"]
    assert left_out(bundle, failed.record) == ("weights.safetensors",)


def test_what_a_bundle_does_without_is_told(stored, tmp_path) -> None:
    assert left_out(stored.folder, stored.record) == ()
    assert left_out(write_bundle(stored, tmp_path / "published"), stored.record) == BULKY


@pytest.mark.parametrize("lost", [("weights.safetensors",), (*BULKY, "outcomes.parquet")])
def test_what_has_lost_a_file_is_no_bundle(stored, lost: tuple[str, ...]) -> None:
    for name in lost:
        (stored.folder / name).unlink()

    assert left_out(stored.folder, stored.record) == ()


def test_what_has_predictions_without_outcomes_is_of_old_and_no_bundle(make_record, tmp_path) -> None:
    old = write(tmp_path, make_record(), contents_of(PREDICTIONS))
    (old.folder / "predictions.parquet").unlink()

    assert not can_be_bundled(old.record)
    assert left_out(old.folder, old.record) == ()


def test_what_a_killed_process_has_left_is_cleared_away(stored, tmp_path) -> None:
    leftover = tmp_path / "published" / f".part-{stored.record.identity}"
    leftover.mkdir(parents=True)
    (leftover / "weights.safetensors").touch()

    bundle = write_bundle(stored, tmp_path / "published")

    assert names(bundle) == ["outcomes.parquet", "result.json"]
    assert not leftover.exists()


def test_a_folder_that_cannot_be_written_is_told(stored, tmp_path) -> None:
    (tmp_path / "published").touch()

    with pytest.raises(ResultError, match=r"^Bundle '.*' cannot be written \(.*\); expected a folder with"):
        write_bundle(stored, tmp_path / "published")


def test_a_bundle_does_not_take_the_place_of_another(stored, tmp_path) -> None:
    first = write_bundle(stored, tmp_path)

    with pytest.raises(ResultError, match="and none of that name in it"):
        write_bundle(stored, tmp_path)
    assert names(first) == ["outcomes.parquet", "result.json"]
    assert [one for one in names(tmp_path) if one.startswith(".part")] == []
