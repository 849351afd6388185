"""The seal of a record's file: a checksum of its bytes, so that no edited digit goes unnoticed.

It is a guard against accident and against edits by hand, no signature: who knows how can make it anew.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabench.results.record import Record

# What stands in place of the seal while the file is hashed.
_OPEN = "0" * 64
# The seal ends the file, where no text of a stranger's can stand.
_SEAL = re.compile(rb'"seal": "([0-9a-f]{64})"\n\}\n\Z')


def sealed(record: Record) -> bytes:
    """Write a record as the content of its file, with its seal."""
    opened = record.model_copy(update={"seal": _OPEN}).model_dump_json(indent=2).encode() + b"\n"
    return _with_seal(opened, hashlib.sha256(opened).hexdigest())


def seal_holds(content: bytes) -> bool:
    """Is a file byte for byte the one that was sealed."""
    match = _SEAL.search(content)
    if match is None:
        return False
    return hashlib.sha256(_with_seal(content, _OPEN)).hexdigest().encode() == match[1]


def _with_seal(content: bytes, seal: str) -> bytes:
    """The same content with another seal."""
    match = _SEAL.search(content)
    assert match is not None, "the seal is the last field of a record"
    return content[: match.start(1)] + seal.encode() + content[match.end(1) :]
