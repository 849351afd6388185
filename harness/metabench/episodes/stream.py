"""Random numbers by coordinates: the same on every machine, for any batch size and order."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.random import Philox

from metabench.episodes.sampler import SAMPLER_VERSION

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Stream:
    """A stream of episodes, named by everything that its numbers may depend on.

    Attributes:
        key: Two 64-bit words.
    """

    key: tuple[int, int]

    def words(self, index: int, count: int) -> NDArray[np.uint64]:
        """Draw `count` 64-bit words for episode `index`, (count,).

        Philox is a counter-based generator (Salmon et al. 2011) whose raw output numpy keeps stable
        between versions, which it does not promise for shuffles and choices.
        """
        key, counter = (np.array(words, dtype=np.uint64) for words in (self.key, (0, 0, index, 0)))
        return np.asarray(Philox(key=key, counter=counter).random_raw(count), dtype=np.uint64)


def named_stream(*coordinates: str | int) -> Stream:
    """Make the stream that belongs to some coordinates, e.g. dataset hash, split and seed.

    The version of the sampler is one of them, so that no other version draws the same episodes.
    """
    told = "\0".join(map(str, (SAMPLER_VERSION, *coordinates)))
    digest = hashlib.sha256(told.encode()).digest()
    return Stream((int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")))
