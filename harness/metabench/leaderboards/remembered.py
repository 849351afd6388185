"""Tables of results that have not changed are not made again.

Each file that a table is made of is read and hashed whenever it is shown, and so is the code that makes it.
What is remembered is the table of one such hash, so that no file is ever shown as something else than it is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

import metabench
from metabench.discovery.trusted import extension_files
from metabench.results.files import OUTCOMES_FILE, PREDICTIONS_FILE, RECORD_FILE, content_of
from metabench.results.folder import visible, without_collector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

# Whose numbers and layout tables have.
_LIBRARIES = ("numpy", "scipy", "tabulate")


class Shown(BaseModel):
    """What is shown of a folder of results.

    Attributes:
        table: None where there is nothing to show.
        problems: What could not be read, a line each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    table: str | None
    problems: tuple[str, ...]


class _Remembered(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    made_of: str
    shown: Shown


def show(results: Path, wishes: Sequence[str], make: Callable[[], Shown], *, home: Path) -> Shown:
    """Show what was made before, if it would be made again just so; else make it, and remember it.

    Args:
        results: Folder of results.
        wishes: What else decides on the table: its format, say.
        make: Makes it.
        home: Folder of what is remembered: the last table of each folder of results and each wish.

    Raises:
        ResultError: The folder of results cannot be read.
    """
    file = home / f"leaderboard-{_hash([str(results), str(results.resolve()), *wishes])[:32]}.json"
    made_of = _made_of(results)
    with contextlib.suppress(OSError, ValidationError):
        remembered = _Remembered.model_validate_json(file.read_bytes())
        if remembered.made_of == made_of:
            return remembered.shown
    with without_collector():
        shown = make()
    # A result may have come in the meantime.
    if _made_of(results) == made_of:
        _remember(file, _Remembered(made_of=made_of, shown=shown))
    return shown


def _made_of(results: Path) -> str:
    return _hash([_code(), *(_hash_of_result(folder) for folder in visible(results))])


def _hash_of_result(folder: Path) -> str:
    record = _content(folder / RECORD_FILE)
    # Results of old have no outcomes; those of their tables come from the predictions.
    others = [OUTCOMES_FILE] if OUTCOMES_FILE.encode() in record else [OUTCOMES_FILE, PREDICTIONS_FILE]
    told = (hashlib.sha256(one).hexdigest() for one in (record, *(_content(folder / one) for one in others)))
    return _hash([folder.name, *told])


def _content(file: Path) -> bytes:
    try:
        return content_of(file)
    except OSError as error:
        return str(error.errno).encode()


@cache
def _code() -> str:
    """Hash this program, its extensions, and the versions of what they compute with."""
    own = Path(metabench.__file__).parent.rglob("*.py")
    files = sorted({*own, *(one for one in extension_files() if one.suffix == ".py")})
    told = [f"{one}\0{hashlib.sha256(one.read_bytes()).hexdigest()}" for one in files]
    return _hash([sys.version, *map(version, _LIBRARIES), *told])


def _hash(texts: Iterable[str]) -> str:
    return hashlib.sha256("\0".join(texts).encode(errors="surrogateescape")).hexdigest()


def _remember(file: Path, remembered: _Remembered) -> None:
    """Write it whole or not at all; where that cannot be, the table is made again next time."""
    part = file.with_suffix(f".{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(remembered.model_dump_json(), encoding="utf-8")
        part.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            part.unlink()
