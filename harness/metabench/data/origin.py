"""What was noted of a download when it came, so that later damage is found."""

from __future__ import annotations

import hashlib
import json
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from metabench.data.recipe import Source


def note_origin(file: Path, content: Path, address: str) -> None:
    """Note what `file` will be, before it gets its content: address, size in bytes and sha256.

    Raises:
        OSError: The note cannot be written, or the content not be read.
    """
    origin = {"address": address, "size": content.stat().st_size, "checksum": checksum_of(content, "sha256")}
    _note_file(file).write_text(json.dumps(origin), encoding="utf-8")


def find_damage(source: Source, file: Path, *, quick: bool = False) -> str | None:
    """Compare a download with what came when it was pulled; say what it is instead, or None.

    Args:
        source: What the recipe says of the file, which counts where nothing was noted.
        file: Exists.
        quick: Compare the size only.

    Raises:
        OSError: The file cannot be read.
    """
    size, checksum = source.size, source.checksum
    try:
        origin = json.loads(_note_file(file).read_text(encoding="utf-8"))
        size, checksum = int(origin["size"]), str(origin["checksum"])
    except (OSError, ValueError, LookupError, TypeError):
        pass  # it was put there by hand, or the note is damaged
    return find_difference(file, size, None if quick else checksum)


def find_difference(file: Path, size: int | None, checksum: str | None) -> str | None:
    """Compare a file with a size in bytes and a checksum; say what it is instead, or None.

    Raises:
        OSError: The file cannot be read.
    """
    n_bytes = file.stat().st_size
    has_size = size is None or n_bytes == size
    if checksum is None:
        return None if has_size else f"{n_bytes} bytes"
    actual = checksum_of(file, checksum.partition(":")[0])
    return None if has_size and actual == checksum else f"{n_bytes} bytes with {actual}"


def checksum_of(file: Path, algorithm: str) -> str:
    """Hash a file: "sha256:…" or "md5:…"."""
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, partial(hashlib.new, algorithm, usedforsecurity=False))
    return f"{algorithm}:{digest.hexdigest()}"


def _note_file(file: Path) -> Path:
    return file.with_name(f"{file.name}.origin.json")
