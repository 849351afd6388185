"""The files of one result: what is not as it was written is refused in one line."""

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from metabench.results import files
from metabench.results.files import (
    ResultError,
    contents_of,
    read_curve,
    read_predictions,
    read_record,
    read_weights,
)
from metabench.results.folder import write_result
from metabench.results.predictions import Predictions, encode
from metabench.results.record import CurvePoint

PREDICTIONS = Predictions(
    tuple(np.arange(48, dtype=np.float32).reshape(4, 6, 2)), tuple(np.ones((4, 6), np.int64))
)


COMPUTE = {"per_training_step": None, "per_test_episode": None, "uncounted": []}


def spoil(folder: Path, **changes: object) -> Path:
    """Change fields of a written record."""
    told = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps(told | changes))
    return folder


def test_a_folder_without_record_is_refused(tmp_path: Path) -> None:
    told = r"has no readable result\.json \(No such file.*\); .* Name the folder of a single result"
    with pytest.raises(ResultError, match=told):
        read_record(tmp_path)


def test_where_a_result_lies_is_not_told(tmp_path: Path, make_record, monkeypatch) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(PREDICTIONS))
    record = read_record(folder)
    (folder / "predictions.parquet").unlink()
    with pytest.raises(
        ResultError, match=f"^File 'predictions.parquet' of result '{re.escape(folder.name)}' "
    ):
        read_predictions(folder, record)
    with pytest.raises(ResultError, match=f"^Result '{re.escape(folder.name)}' has no weights"):
        read_weights(folder, record)

    (folder / "result.json").write_text("{")
    monkeypatch.chdir(folder)
    for named in (folder, Path()):
        with pytest.raises(ResultError, match=f"^Result '{re.escape(folder.name)}' has a damaged"):
            read_record(named)


def test_where_a_result_is_not_is_told(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=f"^Result '{tmp_path}/nope' has no readable"):
        read_record(tmp_path / "nope")


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe", b"[]", b"null", b"[" * 100_000, b'{"a": 1}'])
def test_a_damaged_record_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "result.json").write_bytes(content)

    with pytest.raises(ResultError, match=r"has a damaged result\.json \(.+\); expected .* Delete") as caught:
        read_record(tmp_path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"status": "great"}, r"'status': Input should be 'ok', "),
        ({"seed": "0"}, r"'seed': Input should be a valid integer"),
        ({"compute": COMPUTE | {"parameters": 10**400}}, r"'compute.parameters': Input should be less than"),
        ({"files": {"predictions.parquet": "../x"}}, r"'files.predictions.parquet': String should match"),
        ({"\x1b[2J\n": 1}, r"'\\x1b\[2J\\n': Extra inputs are not permitted"),
    ],
)
def test_a_record_with_a_wrong_field_names_it(changes, complaint: str, tmp_path: Path, make_record) -> None:
    folder = spoil(write_result(tmp_path, make_record(), {}), **changes)

    with pytest.raises(ResultError, match=complaint) as caught:
        read_record(folder)
    assert str(caught.value).isprintable()


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    for name, make in (("device", lambda file: file.symlink_to("/dev/zero")), ("pipe", os.mkfifo)):
        (tmp_path / name).mkdir()
        make(tmp_path / name / "result.json")

        with pytest.raises(ResultError, match="It is no regular file"):
            read_record(tmp_path / name)


def test_a_file_too_large_for_a_result_is_not_read(
    tmp_path: Path, make_record, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_result(tmp_path, make_record(), {})
    monkeypatch.setattr(files, "_LARGEST", 100)

    with pytest.raises(ResultError, match="It has more than 100 bytes"):
        read_record(folder)


def test_weights_may_be_larger_than_what_tables_are_made_of(
    tmp_path: Path, make_record, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(weights=b"0" * 101))
    record = read_record(folder)
    monkeypatch.setattr(files, "_LARGEST", 100)

    assert len(read_weights(folder, record)) == 101


def test_a_record_of_a_newer_metabench_says_so(tmp_path: Path, make_record) -> None:
    folder = spoil(write_result(tmp_path, make_record(), {}), schema_version=3, novelty=True)

    with pytest.raises(ResultError, match=r"has record schema 3; this metabench reads up to 2\. Upgrade"):
        read_record(folder)


def test_predictions_with_another_hash_are_refused(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(PREDICTIONS))
    other = Predictions(tuple(one + 1 for one in PREDICTIONS.logits), PREDICTIONS.labels)
    (folder / "predictions.parquet").write_bytes(encode(other))

    with pytest.raises(
        ResultError, match=r"'predictions\.parquet' of result '.*' has another sha256.*Delete"
    ):
        read_predictions(folder, read_record(folder))


def test_predictions_that_are_gone_are_reported(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(PREDICTIONS))
    (folder / "predictions.parquet").unlink()

    with pytest.raises(ResultError, match=r"'predictions\.parquet' of result '.*' cannot be read \(No such"):
        read_predictions(folder, read_record(folder))


def test_predictions_of_another_shape_are_refused(tmp_path: Path, make_record) -> None:
    folder = write_result(
        tmp_path,
        make_record(benchmark={"parameters": {"n_way": 3, "n_query": 3}}),
        contents_of(PREDICTIONS),
    )

    with pytest.raises(
        ResultError, match="has episodes of other shapes; expected 9 queries with 3 logits each"
    ):
        read_predictions(folder, read_record(folder))


def test_a_curve_of_another_length_is_refused(tmp_path: Path, make_record) -> None:
    point = CurvePoint(meta_training_s=1.0, mean=0.5, low=0.4, high=0.6, n_episodes=5)
    folder = write_result(
        tmp_path, make_record(curve=(point,)), contents_of(PREDICTIONS, commits=[PREDICTIONS])
    )

    with pytest.raises(ResultError, match=r"'curve\.parquet' of result '.*' has 4 episodes; expected 5\."):
        read_curve(folder, read_record(folder))


def test_weights_are_those_that_were_written(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(weights=b"weights"))

    assert read_weights(folder, read_record(folder)) == b"weights"
    (folder / "weights.safetensors").write_bytes(b"others")
    with pytest.raises(ResultError, match=r"'weights\.safetensors' of result '.*' has another sha256"):
        read_weights(folder, read_record(folder))


@pytest.mark.parametrize("read", [read_predictions, read_curve, read_weights])
def test_what_a_failed_run_has_not_left_is_told(read, tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(status="crashed"), {})

    with pytest.raises(ResultError, match=r"has no (predictions|curve|weights); its status is 'crashed'\."):
        read(folder, read_record(folder))
