"""The folder of results: one folder per run, that is there whole or not at all.

    results/
      omniglot-5w1s.protonet.300s.seed0.0123456789abcdef/
        result.json           the record, with the sha256 of the other files
        outcomes.parquet      the scores of each episode; absent where nothing could be tested
        predictions.parquet   what the scores are made of; absent likewise
        curve.parquet         predictions of earlier commits, for the anytime curve; absent where it is empty
        weights.safetensors   absent where nothing was committed
      .locks/                 one file per run that was ever begun here; its lock goes with the process
      .part-…/                being written, or left by a process that was killed

Any number of processes may share it. Who makes a result holds `identity_lock`; readers need no lock. What is
in the files of one result is read by `metabench.results.files`.
"""

from __future__ import annotations

import gc
import hashlib
import os
import re
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from metabench.results.files import RECORD_FILE, ResultError, read_record
from metabench.results.seal import sealed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metabench.results.record import Record

_LOCKS = ".locks"
_PART = re.compile(r"\.part-([0-9a-f]{64})(\.old)?")
# Ends the name of a folder that is about to take the place of another one; no cleaned name has it.
REPLACEMENT = "~"
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Stored:
    """A result and where it lies."""

    folder: Path
    record: Record


def folder_name(record: Record) -> str:
    """Name a run's folder so that people find it, and programs by the identity at its end."""
    names = (record.benchmark.name, record.algorithm.name, record.budget.name)
    told = ".".join(clean_name(name) for name in names)
    return f"{told}.seed{record.seed}.{record.identity[:16]}"


def clean_name(name: str) -> str:
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


def write_result(results: Path, record: Record, contents: Mapping[str, bytes]) -> Path:
    """Store a result whole, in place of an earlier one of the same identity; hold `identity_lock`.

    A process killed at any instant leaves the earlier result, the new one, or both (of which readers
    take the new one), besides hidden folders that the next write clears away.

    Args:
        results: Folder of results; is made if need be.
        record: Its `files` and its `seal` are filled in here.
        contents: Of the files beside the record, by name; see `metabench.results.files.contents_of`.

    Returns:
        The result's folder.

    Raises:
        ResultError: The folder cannot be written.
    """
    part = results / f".part-{record.identity}"
    try:
        results.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(results, record.identity)
        try:
            part.mkdir()
            _fill(part, record, contents)
            return _put_in_place(part, folder_name(record), record.identity)
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


def _fill(part: Path, record: Record, contents: Mapping[str, bytes]) -> None:
    for name, content in contents.items():
        _write_file(part / name, content)
    files = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    _write_file(part / RECORD_FILE, sealed(record.model_copy(update={"files": files})))
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
    part.rename(results / (name + REPLACEMENT if replaces else name))
    _sync_folder(results)
    _finish_replacement(results, identity)
    return results / name


def _finish_replacement(results: Path, identity: str) -> None:
    """Let the folder that is marked as a replacement, if any, take the place of the others."""
    folders = _folders_of(results, identity)
    if not folders or not folders[0].name.endswith(REPLACEMENT):
        return
    new, *others = folders
    for other in others:
        grave = results / f".part-{identity}.old"
        other.rename(grave)
        shutil.rmtree(grave)
    new.rename(new.with_name(new.name.removesuffix(REPLACEMENT)))
    _sync_folder(results)


# Reading ---------------------------------------------------------------------------------------------


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
        The results by folder name, and a line for each folder that is none or repeats another one. Where
        two tell different things of one run, neither is among the results.

    Raises:
        ResultError: The folder itself cannot be read.
    """
    with without_collector():
        return _read(visible(results))


def _read(folders: Sequence[Path]) -> tuple[list[Stored], list[str]]:
    found: dict[str, list[Stored]] = {}
    problems = []
    for folder in folders:
        try:
            record = _read_unless_gone(folder)
        except ResultError as error:
            problems.append(str(error))
            continue
        if record is not None:
            found.setdefault(record.identity, []).append(Stored(folder, record))
    kept = []
    for first, *others in found.values():
        rivals = [] if first.folder.name.endswith(REPLACEMENT) else others
        problems += [_about_rival(first, rival) for rival in rivals]
        if all(rival.record == first.record for rival in rivals):
            kept.append(first)
    return sorted(kept, key=lambda stored: stored.folder.name), problems


def _about_rival(first: Stored, second: Stored) -> str:
    """Of two folders that tell of one run, which is one too many: whose it is, no name can tell."""
    told = f"Result {second.folder.name!r} is the same run as {first.folder.name!r}"
    if second.record == first.record:
        return f"{told}; expected one. Delete either."
    return f"{told}, and tells other things of it; neither counts. Keep the one that you know to be true."


@contextmanager
def without_collector() -> Iterator[None]:
    """Spare Python's collector the results read so far: it would look through them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def visible(results: Path) -> list[Path]:
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
    return sorted(folders, key=lambda folder: (not folder.name.endswith(REPLACEMENT), folder.name))


def _folders_of(results: Path, identity: str) -> list[Path]:
    ending = f".{identity[:16]}"
    return [one for one in visible(results) if one.name.removesuffix(REPLACEMENT).endswith(ending)]


def _read_unless_gone(folder: Path) -> Record | None:
    """A record; None if its folder was replaced while it was read."""
    try:
        return read_record(folder)
    except ResultError:
        if folder.exists():
            raise
        return None
