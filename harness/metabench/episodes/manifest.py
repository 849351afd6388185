"""All episodes of a benchmark, in rectangular batches of one shape each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.episodes.sampler import EpisodeIndices, check_possible, draw
from metabench.episodes.varied import check_varied, draw_varied
from metabench.spec.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metabench.episodes.stream import Stream
    from metabench.spec.protocol import AnyProtocol

BATCH = 20


def check_protocol(
    starts: NDArray[np.int64], names: Sequence[str], protocol: AnyProtocol, where: str
) -> None:
    """Refuse a protocol that the classes of a pool cannot fill.

    Args:
        starts: Where each class begins, (n_classes + 1,).
        names: Names of the classes.
        protocol: What an episode needs.
        where: The pool's name for the message, e.g. "glyphs meta_test".

    Raises:
        UsageError: There are too few classes, or too few examples in one.
    """
    sizes = np.diff(starts)
    if isinstance(protocol, Protocol):
        check_possible(sizes, tuple(names), protocol, where)
    else:
        check_varied(sizes, names, protocol, where)


def draw_all(
    starts: NDArray[np.int64], protocol: AnyProtocol, stream: Stream, count: int
) -> tuple[EpisodeIndices, ...]:
    """Draw the first episodes of a stream.

    Args:
        starts: Where each class begins, (n_classes + 1,).
        protocol: How episodes are composed.
        stream: The numbers to draw with.
        count: How many.

    Returns:
        Batches of at most `BATCH` episodes of one shape, in the order of the stream.
    """
    if not isinstance(protocol, Protocol):
        return tuple(draw_varied(starts, protocol, stream, index) for index in range(count))
    firsts = range(0, count, BATCH)
    return tuple(draw(starts, protocol, stream, first=one, count=min(BATCH, count - one)) for one in firsts)
