"""Where pages lie: names of files that a stranger's names can neither clash in nor break out of."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metabench.leaderboards.table import Track

_HASH_LENGTH = 8
_IDENTITY_LENGTH = 16
_LONGEST_NAME = 40


def board_name(track: Track) -> str:
    """The name of a leaderboard's files, without their suffix: it stays the same when results are added."""
    words = "-".join((track.benchmark.name, track.budget.name))
    readable = re.sub(r"[^a-z0-9]+", "-", words[:_LONGEST_NAME].lower()).strip("-")
    digest = hashlib.sha256(repr(track).encode()).hexdigest()[:_HASH_LENGTH]
    return f"{readable}-{digest}" if readable else digest


def part_name(name: str, part: int) -> str:
    """The name of a part of a leaderboard, from 0; the first is that of the whole."""
    return f"{name}.{part + 1}" if part else name


def result_names(identities: Iterable[str]) -> Mapping[str, str]:
    """The names of results' files, without their suffix, by identity.

    They are short, as leaderboards name many; of results that would have the same, all but the first are
    named in full.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for identity in sorted(identities):
        short = identity[:_IDENTITY_LENGTH]
        names[identity] = identity if short in taken else short
        taken.add(short)
    return names
