"""A bundle: a result without what takes room, so small that a repository can hold thousands.

It has the record, byte for byte, and the outcomes of each episode, from which tables are made. Predictions,
curve and weights stay with who made the result; the record tells their hashes.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from metabench.results.files import (
    CURVE_FILE,
    OUTCOMES_FILE,
    PREDICTIONS_FILE,
    RECORD_FILE,
    WEIGHTS_FILE,
    ResultError,
)
from metabench.results.folder import folder_name

if TYPE_CHECKING:
    from pathlib import Path

    from metabench.results.folder import Stored
    from metabench.results.record import Record

_BULKY = {PREDICTIONS_FILE, CURVE_FILE, WEIGHTS_FILE}


def left_out(folder: Path, record: Record) -> tuple[str, ...]:
    """The files of which a bundle's record tells and that it does without; none if it is no bundle.

    Where one of them is there, or the outcomes are not, the others were not left out but lost.
    """
    bulky = _BULKY & record.files.keys()
    if not can_be_bundled(record) or any((folder / name).exists() for name in bulky):
        return ()
    has_outcomes = OUTCOMES_FILE not in record.files or (folder / OUTCOMES_FILE).is_file()
    return tuple(sorted(bulky)) if has_outcomes else ()


def can_be_bundled(record: Record) -> bool:
    """Are there outcomes, or was nothing scored; results of old have predictions alone."""
    return OUTCOMES_FILE in record.files or PREDICTIONS_FILE not in record.files


def write_bundle(stored: Stored, results: Path) -> Path:
    """Copy a result into a folder of results, as a bundle that is there whole or not at all.

    Args:
        stored: A result that `can_be_bundled`, and that is not there yet.
        results: Is made if need be.

    Returns:
        The bundle's folder.

    Raises:
        ResultError: The folder cannot be written.
    """
    record, bundle = stored.record, results / folder_name(stored.record)
    part = results / f".part-{record.identity}"
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name in sorted({RECORD_FILE} | ({OUTCOMES_FILE} & record.files.keys())):
            shutil.copyfile(stored.folder / name, part / name)
        part.rename(bundle)
    except OSError as error:
        raise ResultError(
            f"Bundle {str(bundle)!r} cannot be written ({error.strerror}); expected a folder with room, and "
            "none of that name in it. Name another one with --to."
        ) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return bundle
