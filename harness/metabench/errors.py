"""What a user can cause, as one line without a traceback.

Every message names the thing, its value, what was expected, and the next step.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class MetabenchError(Exception):
    """Anything a user can cause; the command line prints it as one line."""


class UsageError(MetabenchError):
    """The request itself is wrong: an unknown name, an impossible protocol, an ill-typed option."""


class DataError(MetabenchError):
    """A dataset cannot be read: a file is absent, damaged, or not what its recipe says."""


class DataUnavailableError(DataError):
    """A file of a dataset is nowhere on this machine."""


class InvalidOutputError(MetabenchError):
    """A plugin gave something that cannot be used."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """Say that `name` is no known `kind`, with the nearest names first."""
    available = sorted(known)
    near = get_close_matches(name, available, n=3, cutoff=0.6)
    hint = f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
    return UsageError(f"Unknown {kind} {name!r}.{hint} Available: {', '.join(available) or 'none'}.")


def no_results(folder: Path) -> UsageError:
    """Say that a folder has no results, or is not there."""
    return UsageError(
        f"Folder {str(folder)!r} has no results; expected some. Run `metabench evaluate` first, or name "
        "another folder."
    )
