"""Draw episodes of varied ways and shots, one at a time: each has a shape of its own."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from metabench.episodes.sampler import EpisodeIndices, compose, smallest
from metabench.errors import UsageError
from metabench.spec.protocol import AnyWay, Vary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metabench.episodes.stream import Stream

_WORD_RANGE = 1 << 64


def check_varied(sizes: NDArray[np.int64], names: Sequence[str], protocol: Vary | AnyWay, where: str) -> None:
    """Refuse a pool from which such episodes cannot be drawn.

    Args:
        sizes: Examples of each class, (n_classes,).
        names: Names of the classes.
        protocol: What an episode needs.
        where: The pool's name for the message, e.g. "glyphs meta_test".

    Raises:
        UsageError: Too few classes, or a class with fewer than two examples.
    """
    if len(sizes) < protocol.min_way:
        raise UsageError(
            f"{where} has {len(sizes)} classes; {protocol.short_name} needs at least {protocol.min_way}. "
            "Choose another benchmark."
        )
    least = int(np.argmin(sizes))
    if sizes[least] < 2:
        raise UsageError(
            f"{where} has {sizes[least]} example of class {names[least]!r}; {protocol.short_name} needs at "
            "least 2. Choose another benchmark."
        )


def draw_varied(
    starts: NDArray[np.int64], protocol: Vary | AnyWay, stream: Stream, index: int
) -> EpisodeIndices:
    """Draw one episode: its ways, its classes, its shots, then its examples.

    Args:
        starts: Where each class begins, (n_classes + 1,); see `Pool.starts`.
        protocol: How episodes are composed.
        stream: The numbers to draw with.
        index: Number of the episode.

    Returns:
        A batch of one.
    """
    sizes = np.diff(starts)
    n_classes, largest = len(sizes), int(sizes.max())
    most_ways = min(protocol.max_way, n_classes)
    n_shape = 2 + most_ways
    words = stream.words(index, n_shape + n_classes + most_ways * largest * 2)
    shape_words, class_words, example_words, order_words = np.split(
        words, np.cumsum([n_shape, n_classes, most_ways * largest])
    )
    n_way = uniform(int(shape_words[0]), protocol.min_way, most_ways)
    classes = smallest(class_words[None], n_way)[0]
    n_query, shots = _counts(sizes[classes], protocol, [int(word) for word in shape_words[1:]])
    return compose(
        classes,
        starts[classes],
        sizes=sizes[classes],
        shots=shots,
        n_query=n_query,
        example_words=example_words.reshape(most_ways, largest)[:n_way],
        order_words=order_words[: n_way * n_query],
    )


def uniform(word: int, low: int, high: int) -> int:
    """Map a random word onto low … high, by integers alone: the same on every machine."""
    return low + word * (high - low + 1) // _WORD_RANGE


def _counts(
    sizes: NDArray[np.int64], protocol: Vary | AnyWay, words: Sequence[int]
) -> tuple[int, NDArray[np.int64]]:
    """Queries per class, and support examples of each class, (n_way,)."""
    half = int(sizes.min()) // 2
    if isinstance(protocol, AnyWay):
        n_query = min(protocol.n_query, half)
        most = min(protocol.max_shot, int(sizes.min()) - n_query)
        return n_query, np.full(len(sizes), uniform(words[0], min(protocol.min_shot, most), most))
    n_query = min(protocol.max_query, half)
    return n_query, _imbalanced_shots(sizes - n_query, sizes, protocol, words)


def _imbalanced_shots(
    available: NDArray[np.int64], sizes: NDArray[np.int64], protocol: Vary, words: Sequence[int]
) -> NDArray[np.int64]:
    """Meta-Dataset's division of the support over the classes (its appendix on episode sampling).

    Args:
        available: Examples of each class that are no queries, (n_way,).
        sizes: Examples of each class, (n_way,).
        protocol: Its limits.
        words: Random words: one for the size of the support, then one per class.
    """
    share = (words[0] + 1) / _WORD_RANGE  # β, uniform in (0, 1]
    counted = np.minimum(protocol.max_counted, available)
    total = min(protocol.max_support, sum(math.ceil(share * int(one)) for one in counted))
    # exp of U[log ½, log 2] is 2 to the power of U[−1, 1].
    weights = [
        math.exp2(2 * word / _WORD_RANGE - 1) * int(size)
        for word, size in zip(words[1:], sizes, strict=False)
    ]
    spread = max(0, total - len(sizes))
    shots = [1 + math.floor(spread * weight / sum(weights)) for weight in weights]
    return np.minimum(shots, available)
