"""The folder of results: one folder per run, that is there whole or not at all.

    results/
      omniglot-5w1s.protonet.300s.seed0.0123456789abcdef/
        result.json           the record, with the sha256 of the other files
        predictions.parquet   absent where nothing could be tested
        weights.safetensors   absent where nothing was committed
      .locks/                 one file per run that was ever begun here; its lock goes with the process
      .part-…/                being written, or left by a process that was killed

Any number of processes may share it. Who makes a result holds `identity_lock`; readers need no lock.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout
from pydantic import ValidationError

from metabench.errors import MetabenchError
from metabench.results.predictions import Predictions, decode, encode
from metabench.results.schema import NewerSchemaError, read_any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.results.record import Record

__all__ = [
    "Predictions",
    "ResultError",
    "Stored",
    "find_result",
    "folder_name",
    "identity_lock",
    "read_all",
    "read_predictions",
    "read_record",
    "write_result",
]

RECORD_FILE = "result.json"
PREDICTIONS_FILE = "predictions.parquet"
WEIGHTS_FILE = "weights.safetensors"
_LOCKS = ".locks"
_PART = re.compile(r"\.part-([0-9a-f]{64})(\.old)?")
# Ends the name of a folder that is about to take the place of another one; no cleaned name has it.
_REPLACEMENT = "~"
_LONGEST_NAME = 60
_RUN_AGAIN = "Delete the folder and run it again."


class ResultError(MetabenchError):
    """A result cannot be written, or is not what its record says."""


@dataclass(frozen=True)
class Stored:
    """A result and where it lies."""

    folder: Path
    record: Record


def folder_name(benchmark: str, algorithm: str, budget: str, seed: int, identity: str) -> str:
    """Name a run's folder so that people find it, and programs by the identity at its end."""
    told = ".".join(_clean(name) for name in (benchmark, algorithm, budget))
    return f"{told}.seed{seed}.{identity[:16]}"


def _clean(name: str) -> str:
    """A stranger's name as part of a file name: no separators, not hidden, not too long."""
    return re.sub(r"[^A-Za-z0-9_.+-]+|^\.+", "-", name)[:_LONGEST_NAME] or "-"


# Writing ---------------------------------------------------------------------------------------------


@contextmanager
def identity_lock(results: Path, identity: str) -> Iterator[None]:
    """Be the only one who makes a result; waits until another process is done with it.

    Raises:
        ResultError: The folder cannot be written.
    """
    lock = _lock(results, identity)
    try:
        (results / _LOCKS).mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except OSError as error:
        raise _unwritable(results, error) from error
    try:
        yield
    finally:
        lock.release()


def write_result(
    results: Path, record: Record, predictions: Predictions | None, weights: bytes | None
) -> Path:
    """Store a result whole, in place of an earlier one of the same identity; hold `identity_lock`.

    A process killed at any instant leaves the earlier result, the new one, or both (of which readers
    take the new one), besides hidden folders that the next write clears away.

    Args:
        results: Folder of results; is made if need be.
        record: Its `files` are filled in here.
        predictions: None where nothing could be tested.
        weights: Contents of a safetensors file; None where nothing was committed.

    Returns:
        The result's folder.

    Raises:
        ResultError: The folder cannot be written.
    """
    name = folder_name(
        record.benchmark.name, record.algorithm.name, record.budget.name, record.seed, record.identity
    )
    part = results / f".part-{record.identity}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(results, record.identity)
        try:
            part.mkdir()
            _fill(part, record, predictions, weights)
            return _put_in_place(part, name, record.identity)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise _unwritable(results, error) from error


def _lock(results: Path, identity: str) -> FileLock:
    return FileLock(results / _LOCKS / f"{identity}.lock")


def _unwritable(results: Path, error: OSError) -> ResultError:
    return ResultError(
        f"Results folder {str(results)!r} cannot be written ({error.strerror or error}); expected a folder "
        "with room. Name another one with --results."
    )


def _clear_leftovers(results: Path, identity: str) -> None:
    """Remove what killed processes have left: those whose lock is ours, or nobody's."""
    for leftover in results.glob(".part-*"):
        match = _PART.fullmatch(leftover.name)
        if match is None:
            continue
        if match[1] == identity:
            shutil.rmtree(leftover)
            continue
        try:
            with _lock(results, match[1]).acquire(timeout=0):
                shutil.rmtree(leftover, ignore_errors=True)
        except Timeout:
            continue


def _fill(part: Path, record: Record, predictions: Predictions | None, weights: bytes | None) -> None:
    contents: dict[str, bytes] = {}
    if predictions is not None:
        contents[PREDICTIONS_FILE] = encode(predictions)
    if weights is not None:
        contents[WEIGHTS_FILE] = weights
    for name, content in contents.items():
        _write_file(part / name, content)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    whole = record.model_copy(update={"files": files})
    _write_file(part / RECORD_FILE, whole.model_dump_json(indent=2).encode() + b"\n")
    _sync_folder(part)


def _write_file(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _put_in_place(part: Path, name: str, identity: str) -> Path:
    """Make a written folder visible under its name, and after that remove those it replaces."""
    results = part.parent
    _finish_replacement(results, identity)
    replaces = bool(_folders_of(results, identity))
    part.rename(results / (name + _REPLACEMENT if replaces else name))
    _sync_folder(results)
    _finish_replacement(results, identity)
    return results / name


def _finish_replacement(results: Path, identity: str) -> None:
    """Let the folder that is marked as a replacement, if any, take the place of the others."""
    folders = _folders_of(results, identity)
    if not folders or not folders[0].name.endswith(_REPLACEMENT):
        return
    new, *others = folders
    for other in others:
        grave = results / f".part-{identity}.old"
        other.rename(grave)
        shutil.rmtree(grave)
    new.rename(new.with_name(new.name.removesuffix(_REPLACEMENT)))
    _sync_folder(results)


# Reading ---------------------------------------------------------------------------------------------


def read_record(folder: Path) -> Record:
    """Read and check a result's record.

    Raises:
        ResultError: There is none, it is damaged, or a newer metabench wrote it.
    """
    try:
        content = (folder / RECORD_FILE).read_bytes()
        return read_any(content)
    except OSError as error:
        raise ResultError(
            f"Result {str(folder)!r} has no readable {RECORD_FILE} ({error.strerror}); expected the record "
            f"of a run. {_RUN_AGAIN}"
        ) from error
    except NewerSchemaError as error:
        raise ResultError(f"Result {str(folder)!r} has {error}. Upgrade metabench to read it.") from error
    except ValidationError as error:
        raise ResultError(
            f"Result {str(folder)!r} has a damaged {RECORD_FILE} ({_first_complaint(error)}); expected the "
            f"record that was written. {_RUN_AGAIN}"
        ) from error


def read_predictions(folder: Path, record: Record) -> Predictions:
    """Read a result's predictions, after comparing them with the record's hash.

    Raises:
        ResultError: There are none, or they are not those that the record tells of.
    """
    expected = record.files.get(PREDICTIONS_FILE)
    if expected is None:
        raise ResultError(f"Result {str(folder)!r} has no predictions; its status is {record.status!r}.")
    content = _read_checked(folder, PREDICTIONS_FILE, expected)
    try:
        return decode(content, n_episodes=record.benchmark.n_episodes, shape=record.benchmark.shape)
    except ValueError as error:
        raise _damaged(folder, PREDICTIONS_FILE, str(error)) from error


def _read_checked(folder: Path, name: str, sha256: str) -> bytes:
    try:
        content = (folder / name).read_bytes()
    except OSError as error:
        raise _damaged(folder, name, f"cannot be read ({error.strerror})") from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise _damaged(folder, name, "has another sha256 than its record tells")
    return content


def find_result(results: Path, identity: str) -> Record | None:
    """The record of a run, if it is there.

    Raises:
        ResultError: Its folder is there, but damaged.
    """
    for folder in _folders_of(results, identity):
        record = _read_unless_gone(folder)
        if record is not None and record.identity == identity:
            return record
    return None


def read_all(results: Path) -> tuple[list[Stored], list[str]]:
    """Read all results of a folder.

    Returns:
        The results by folder name, and a line for each folder that is none or repeats another one.

    Raises:
        ResultError: The folder itself cannot be read.
    """
    found: dict[str, Stored] = {}
    problems = []
    for folder in _visible(results):
        try:
            record = _read_unless_gone(folder)
        except ResultError as error:
            problems.append(str(error))
            continue
        if record is None:
            continue
        first = found.setdefault(record.identity, Stored(folder, record)).folder
        if first != folder and not first.name.endswith(_REPLACEMENT):
            problems.append(
                f"Result {str(folder)!r} is the same run as {first.name!r}; expected one. Delete either."
            )
    return sorted(found.values(), key=lambda stored: stored.folder.name), problems


def _visible(results: Path) -> list[Path]:
    """All folders that are not hidden; replacements first.

    A replacement that has just taken its place is found there: its old name is looked up before.
    """
    try:
        folders = [one for one in results.iterdir() if one.name[0] != "." and one.is_dir()]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ResultError(
            f"Results folder {str(results)!r} cannot be read ({error.strerror}); expected a folder of "
            "results. Name another one with --results."
        ) from error
    return sorted(folders, key=lambda folder: (not folder.name.endswith(_REPLACEMENT), folder.name))


def _folders_of(results: Path, identity: str) -> list[Path]:
    ending = f".{identity[:16]}"
    return [one for one in _visible(results) if one.name.removesuffix(_REPLACEMENT).endswith(ending)]


def _read_unless_gone(folder: Path) -> Record | None:
    """A record; None if its folder was replaced while it was read."""
    try:
        return read_record(folder)
    except ResultError:
        if folder.exists():
            raise
        return None


def _first_complaint(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where!r}: {first['msg']}" if where else first["msg"]


def _damaged(folder: Path, name: str, reason: str) -> ResultError:
    return ResultError(f"File {name!r} of result {str(folder)!r} {reason}. {_RUN_AGAIN}")
