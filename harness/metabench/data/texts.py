"""Texts as they are read: the UTF-8 bytes of all of them, and where each begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True)
class Texts:
    """A sequence of texts, decoded one at a time from arrays that may be mapped into memory.

    Attributes:
        data: (n_bytes,), uint8; UTF-8, one text after the other with nothing between them.
        offsets: (n_texts + 1,), int64; text i is data[offsets[i]] … data[offsets[i + 1] − 1].
    """

    data: NDArray[np.uint8]
    offsets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, index: int) -> str:
        """Decode one text; negative numbers count from the end.

        Raises:
            IndexError: There is no such text.
        """
        place = range(len(self))[index]
        return self.data[self.offsets[place] : self.offsets[place + 1]].tobytes().decode()

    def __iter__(self) -> Iterator[str]:
        return map(self.__getitem__, range(len(self)))


def pack(texts: Iterable[str]) -> Texts:
    """Put texts into arrays in memory.

    Raises:
        UnicodeEncodeError: One has half a surrogate pair, which no encoding can hold.
    """
    encoded = [text.encode() for text in texts]
    offsets = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    return Texts(np.frombuffer(b"".join(encoded), dtype=np.uint8), offsets)


def is_encodable(text: str) -> bool:
    """Whether a text is Unicode: it may have half a surrogate pair, which no encoding can hold."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
