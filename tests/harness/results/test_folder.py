"""The folder of results: written whole or not at all, read with suspicion."""

import errno
import gc
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock, Timeout

from metabench.results.files import ResultError, contents_of, read_curve, read_predictions, read_record
from metabench.results.folder import Stored, find_result, folder_name, identity_lock, read_all, write_result
from metabench.results.predictions import Predictions
from metabench.results.record import CurvePoint
from metabench.results.seal import seal_holds

IDENTITY = "0123456789abcdef" * 4
PREDICTIONS = Predictions(
    tuple(np.arange(48, dtype=np.float32).reshape(4, 6, 2)), tuple(np.ones((4, 6), np.int64))
)


def locked_out(lock: Path) -> bool:
    try:
        with FileLock(lock).acquire(timeout=0):
            return False
    except Timeout:
        return True


# Names


def test_a_folder_is_named_for_people_first_and_for_programs_last(make_record) -> None:
    name = folder_name(make_record(benchmark={"name": "omniglot-5w1s"}, identity=IDENTITY))

    assert name == "omniglot-5w1s.protonet.300s.seed0.0123456789abcdef"


@pytest.mark.parametrize(
    "name", ["../../etc", ".hidden", "a/b", "a\0b", "a b|c~", "ü" * 9, "", "n" * 300, "a\nb"]
)
def test_strangers_names_make_no_path_and_nothing_hidden(name: str, tmp_path: Path, make_record) -> None:
    made = folder_name(make_record(benchmark={"name": name}, algorithm=name, budget={"name": name}))

    (tmp_path / made).mkdir()
    assert [one.name for one in tmp_path.iterdir()] == [made]
    assert made.isprintable()
    assert not made.startswith(".")


# Writing


def test_a_written_result_is_found_and_read_back(tmp_path: Path, make_record) -> None:
    record = make_record(identity=IDENTITY)

    folder = write_result(tmp_path / "new" / "results", record, contents_of(PREDICTIONS, b"weights"))

    found = find_result(tmp_path / "new" / "results", IDENTITY)
    assert found is not None
    assert found == read_record(folder)
    assert found == record.model_copy(update={"files": found.files, "seal": found.seal})
    assert folder.name == "toy-2w1s.protonet.300s.seed0.0123456789abcdef"
    np.testing.assert_array_equal(read_predictions(folder, found).logits, PREDICTIONS.logits)
    np.testing.assert_array_equal(read_predictions(folder, found).labels, PREDICTIONS.labels)


def test_the_record_is_written_with_its_seal(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(PREDICTIONS, b"weights"))

    assert seal_holds((folder / "result.json").read_bytes())


def test_predictions_of_earlier_commits_are_kept_beside_the_others(tmp_path: Path, make_record) -> None:
    point = CurvePoint(meta_training_s=1.0, mean=0.5, low=0.4, high=0.6, n_episodes=2)

    folder = write_result(
        tmp_path, make_record(curve=(point, point)), contents_of(PREDICTIONS, commits=[PREDICTIONS])
    )

    first, second = read_curve(folder, read_record(folder))
    np.testing.assert_array_equal(first.logits, PREDICTIONS.logits[:2])
    np.testing.assert_array_equal(second.logits, PREDICTIONS.logits[2:])


def test_the_record_tells_the_hash_of_each_file(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), contents_of(PREDICTIONS, b"weights"))

    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("predictions.parquet", "weights.safetensors")
    }
    assert read_record(folder).files == files
    assert {one.name for one in folder.iterdir()} == {"result.json", *files}


def test_a_run_without_answers_leaves_a_record_alone(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(status="crashed"), {})

    assert [one.name for one in folder.iterdir()] == ["result.json"]
    with pytest.raises(ResultError, match=r"has no predictions; its status is 'crashed'\."):
        read_predictions(folder, read_record(folder))


def test_others_may_read_a_result_as_the_umask_says(tmp_path: Path, make_record) -> None:
    before = os.umask(0o022)
    try:
        folder = write_result(tmp_path, make_record(), {})
    finally:
        os.umask(before)

    assert folder.stat().st_mode & 0o777 == 0o755


def test_everything_is_on_disk_before_the_folder_is_visible(tmp_path: Path, make_record, monkeypatch) -> None:
    synced, fsync = [], os.fsync

    def note(descriptor: int) -> None:
        visible = [one.name for one in tmp_path.iterdir() if one.name[0] != "."]
        names = {one.stat().st_ino: one.name for one in [tmp_path, *tmp_path.rglob("*")]}
        synced.append((names[os.fstat(descriptor).st_ino], visible))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    record = make_record()
    folder = write_result(tmp_path, record, contents_of(PREDICTIONS, b"weights"))

    hidden = ["predictions.parquet", "weights.safetensors", "result.json", f".part-{record.identity}"]
    assert synced == [*((name, []) for name in hidden), (tmp_path.name, [folder.name])]


def test_a_new_result_takes_the_place_of_an_earlier_one(tmp_path: Path, make_record) -> None:
    write_result(tmp_path, make_record(identity=IDENTITY, status="harness_error"), {})

    folder = write_result(tmp_path, make_record(identity=IDENTITY), contents_of(PREDICTIONS))

    assert list(tmp_path.iterdir()) == [folder]
    assert read_record(folder).status == "ok"


def test_a_result_is_replaced_also_where_it_goes_by_another_name(tmp_path: Path, make_record) -> None:
    write_result(tmp_path, make_record(identity=IDENTITY, algorithm="old-name"), {})

    folder = write_result(tmp_path, make_record(identity=IDENTITY), {})

    assert list(tmp_path.iterdir()) == [folder]


def test_a_damaged_result_is_replaced(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), {})
    (folder / "result.json").write_text("{")

    write_result(tmp_path, make_record(), {})

    assert read_record(folder).status == "ok"


@pytest.mark.parametrize("replaces", [False, True])
def test_a_writer_killed_at_any_step_leaves_a_whole_result_or_none(
    replaces: bool, tmp_path: Path, make_record
) -> None:
    new = make_record(identity=IDENTITY, started="new").model_dump_json()
    old = make_record(identity=IDENTITY, started="old", status="harness_error").model_dump_json()
    script = Path(__file__).with_name("killed_writer.py")

    done = subprocess.run(
        [sys.executable, script, tmp_path, new, *([old] if replaces else [])],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )

    assert done.returncode == 0, done.stderr
    seen = done.stdout.split()
    first = "old" if replaces else "None"
    assert seen == [first] * seen.count(first) + ["new"] * seen.count("new")
    assert seen.count(first) > 5
    assert seen.count("new") > (3 if replaces else 0)


def test_a_full_disk_is_reported_and_leaves_nothing(tmp_path: Path, make_record, monkeypatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ResultError, match=r"cannot be written \(No space left on device\); .*--results\."):
        write_result(tmp_path, make_record(), contents_of(PREDICTIONS))
    assert list(tmp_path.iterdir()) == []


def test_a_results_folder_that_is_a_file_is_refused(tmp_path: Path, make_record) -> None:
    file = tmp_path / "results"
    file.write_text("")

    with pytest.raises(ResultError, match=r"Results folder '.*results' cannot be written .*--results\."):
        write_result(file, make_record(), {})
    with (
        pytest.raises(ResultError, match=r"Results folder '.*results' cannot be written .*--results\."),
        identity_lock(file, IDENTITY),
    ):
        pass
    with pytest.raises(ResultError, match=r"Results folder '.*results' cannot be read .*--results\."):
        read_all(file)


def test_leftovers_of_others_are_cleared_unless_in_use(tmp_path: Path, make_record) -> None:
    used, dead = "a" * 64, "b" * 64
    for name in (f".part-{used}", f".part-{dead}", f".part-{dead}.old", ".part-notes"):
        (tmp_path / name).mkdir()

    with identity_lock(tmp_path, used):
        write_result(tmp_path, make_record(), {})

    hidden = {one.name for one in tmp_path.iterdir() if one.name[0] == "."}
    assert hidden == {f".part-{used}", ".part-notes", ".locks"}


# Locking


def test_the_lock_keeps_others_out_of_one_identity_only(tmp_path: Path) -> None:
    with identity_lock(tmp_path, IDENTITY):
        assert locked_out(tmp_path / ".locks" / f"{IDENTITY}.lock")
        assert not locked_out(tmp_path / ".locks" / f"{'a' * 64}.lock")
    assert not locked_out(tmp_path / ".locks" / f"{IDENTITY}.lock")


def test_the_lock_is_released_by_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), identity_lock(tmp_path, IDENTITY):
        raise KeyError
    assert not locked_out(tmp_path / ".locks" / f"{IDENTITY}.lock")


# Reading


def test_an_absent_result_is_not_found(tmp_path: Path, make_record) -> None:
    write_result(tmp_path, make_record(), {})

    assert find_result(tmp_path, IDENTITY) is None
    assert find_result(tmp_path / "absent", IDENTITY) is None


def test_an_identity_that_begins_alike_is_another_one(tmp_path: Path, make_record) -> None:
    write_result(tmp_path, make_record(identity=IDENTITY[:16] + "0" * 48), {})

    assert find_result(tmp_path, IDENTITY) is None


def test_a_damaged_result_is_not_taken_for_an_absent_one(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(identity=IDENTITY), {})
    (folder / "result.json").write_text("{")

    with pytest.raises(ResultError, match="damaged"):
        find_result(tmp_path, IDENTITY)


def test_all_results_are_read_and_all_problems_told(tmp_path: Path, make_record) -> None:
    folders = [write_result(tmp_path, make_record(seed=seed), {}) for seed in (0, 1)]
    damaged = write_result(tmp_path, make_record(seed=2), {})
    (damaged / "result.json").unlink()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "README.md").write_text("")

    stored, problems = read_all(tmp_path)

    assert stored == [Stored(folder, read_record(folder)) for folder in folders]
    assert len(problems) == 1
    assert damaged.name in problems[0]


def test_a_folder_that_repeats_another_is_a_problem(tmp_path: Path, make_record) -> None:
    folder = write_result(tmp_path, make_record(), {})
    copy = tmp_path / "zz-copy"
    copy.mkdir()
    (copy / "result.json").write_bytes((folder / "result.json").read_bytes())

    stored, problems = read_all(tmp_path)

    assert [one.folder for one in stored] == [folder]
    assert problems == [
        f"Result {copy.name!r} is the same run as {folder.name!r}; expected one. Delete either."
    ]


def test_of_two_that_tell_different_things_of_one_run_neither_counts(tmp_path: Path, make_record) -> None:
    other = write_result(tmp_path, make_record(identity="b" * 64), {})
    honest = write_result(tmp_path, make_record(), {})
    forged = tmp_path / "aaa"
    forged.mkdir()
    (forged / "result.json").write_text(make_record(started="2026-01-01T00:00:00+00:00").model_dump_json())

    stored, (problem,) = read_all(tmp_path)

    assert [one.folder for one in stored] == [other]
    assert problem == (
        f"Result {honest.name!r} is the same run as 'aaa', and tells other things of it; neither counts. "
        "Keep the one that you know to be true."
    )


def test_a_folder_that_is_not_there_has_no_results(tmp_path: Path) -> None:
    assert read_all(tmp_path / "absent") == ([], [])


@pytest.mark.parametrize("is_on", [True, False])
def test_reading_leaves_the_garbage_collector_as_it_was(tmp_path, is_on):
    was_on = gc.isenabled()
    try:
        (gc.enable if is_on else gc.disable)()
        read_all(tmp_path)
        with pytest.raises(ResultError):
            read_all(Path(__file__))
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()
