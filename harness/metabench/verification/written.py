"""Level 0: is a result as it was written, and does it agree with itself."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TYPE_CHECKING

from metabench.results.bundle import left_out
from metabench.results.files import (
    CURVE_FILE,
    OUTCOMES_FILE,
    PREDICTIONS_FILE,
    RECORD_FILE,
    WEIGHTS_FILE,
    ResultError,
    read_record,
)
from metabench.results.folder import REPLACEMENT, folder_name
from metabench.results.identity import IdentityParts
from metabench.results.schema import schema_of
from metabench.results.seal import seal_holds
from metabench.verification.finding import Finding
from metabench.verification.plausible import contradictions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metabench.results.record import Record

_CHECKED = "schema, seal, identity, name, files and what they say of each other agree"
_NOT_SEALED = (
    "Not sealed: its schema had no seal. What neither the identity covers nor a file bears out, say what was "
    "spent, may have been edited."
)
_MOST_NAMED = 5
_KNOWN = {OUTCOMES_FILE, PREDICTIONS_FILE, CURVE_FILE, WEIGHTS_FILE}


def check_written(folder: Path) -> Finding:
    """Read a result's record and all its files, and compare them with each other.

    Args:
        folder: Of the result.
    """
    try:
        record = read_record(folder)
    except ResultError as error:
        return Finding(0, _CHECKED, (str(error),))
    content = (folder / RECORD_FILE).read_bytes()
    schema = schema_of(content)
    problems = (*_of_record(record, content, schema), *_of_folder(folder, record), *contradictions(record))
    remarks = [_NOT_SEALED] if schema < 2 and record.seal is None else []
    absent = left_out(folder, record)
    if absent:
        remarks.append(f"A bundle, without {', '.join(absent)}: their hashes are not compared.")
    others = sorted({one.name for one in folder.iterdir()} - _KNOWN - {RECORD_FILE})
    if others:
        more = f" and {len(others) - _MOST_NAMED} more" if len(others) > _MOST_NAMED else ""
        named = ", ".join(map(repr, others[:_MOST_NAMED]))
        remarks.append(f"No file of a result, and not looked at: {named}{more}.")
    return Finding(0, _CHECKED, problems, tuple(remarks))


def _of_record(record: Record, content: bytes, schema: int) -> Iterator[str]:
    if (schema > 1 or record.seal is not None) and not seal_holds(content):
        yield f"{RECORD_FILE} is not as it was sealed: it was changed after it was written."
    identity = IdentityParts.of(record).identity(schema)
    if identity != record.identity:
        yield f"Its identity is {record.identity}; its parts have {identity}."
    if not _is_time(record.started):
        yield f"It was started at {record.started!r}; expected a time, ISO 8601, with its zone."


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _of_folder(folder: Path, record: Record) -> Iterator[str]:
    name, expected = folder.resolve().name.removesuffix(REPLACEMENT), folder_name(record)
    if name != expected:
        yield f"Its folder is called {name!r}; expected {expected!r}."
    absent = left_out(folder, record)
    for file in sorted((_KNOWN | record.files.keys()) - set(absent)):
        yield from _of_file(folder, file, record.files.get(file))


def _of_file(folder: Path, name: str, expected: str | None) -> Iterator[str]:
    """Compare a file with its hash; a name that is no file of a result's is not looked for."""
    path = folder / name
    if name not in _KNOWN:
        yield f"Its record tells of a file {name!r}; expected {', '.join(sorted(_KNOWN))} alone."
    elif expected is None:
        if path.exists():
            yield f"There is a file {name!r} of which its record does not tell."
    elif not path.is_file():
        yield f"There is no file {name!r}, of which its record tells."
    else:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
        if found != expected:
            yield f"File {name!r} has sha256 {found}; its record tells {expected}."
