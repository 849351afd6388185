"""Draw N-way K-shot episodes as indices of examples.

`SAMPLER_VERSION` is part of every stream's name: a change to what is drawn raises it, and the golden
hashes in the tests hold it to that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from metabench.episodes.stream import Stream
    from metabench.spec.protocol import Protocol

SAMPLER_VERSION = 1
_NEVER = np.iinfo(np.uint64).max


@dataclass(frozen=True)
class EpisodeIndices:
    """A batch of episodes, by the numbers of their examples in a pool; all arrays int64.

    Attributes:
        support: (n_episodes, n_support), class by class.
        support_labels: (n_episodes, n_support), in 0 … n_way − 1.
        query: (n_episodes, n_query_total), shuffled.
        query_labels: (n_episodes, n_query_total), in 0 … n_way − 1.
        classes: (n_episodes, n_way); the class in the pool that each label stands for.
    """

    support: NDArray[np.int64]
    support_labels: NDArray[np.int64]
    query: NDArray[np.int64]
    query_labels: NDArray[np.int64]
    classes: NDArray[np.int64]


def check_possible(sizes: NDArray[np.int64], names: tuple[str, ...], protocol: Protocol, where: str) -> None:
    """Refuse a protocol that the classes of a pool cannot fill.

    Args:
        sizes: Examples of each class, (n_classes,).
        names: Names of the classes.
        protocol: What an episode needs.
        where: The pool's name for the message, e.g. "glyphs meta_test".

    Raises:
        UsageError: Fewer classes than n_way, or a class with fewer examples than n_shot + n_query.
    """
    if protocol.n_way > len(sizes):
        raise UsageError(
            f"{where} has {len(sizes)} classes; {protocol.short_name} needs {protocol.n_way}. "
            "Lower n_way or choose another benchmark."
        )
    smallest = int(np.argmin(sizes))
    if protocol.n_per_class > sizes[smallest]:
        raise UsageError(
            f"{where} has {sizes[smallest]} examples of class {names[smallest]!r}; n_shot + n_query needs "
            f"{protocol.n_per_class}. Lower n_shot or choose another benchmark."
        )


def draw(
    starts: NDArray[np.int64], protocol: Protocol, stream: Stream, *, first: int, count: int
) -> EpisodeIndices:
    """Draw the episodes `first` … `first + count − 1` of a stream.

    Each choice takes the smallest of as many random words as there are candidates, which draws without
    replacement and in random order, for all episodes at once.

    Args:
        starts: Where each class begins, (n_classes + 1,); see `Pool.starts`.
        protocol: How an episode is composed.
        stream: The numbers to draw with.
        first: Number of the first episode.
        count: How many episodes.
    """
    sizes = np.diff(starts)
    n_classes, largest, n_queries = len(sizes), int(sizes.max()), protocol.n_query_total
    needed = n_classes + protocol.n_way * largest + n_queries
    words = np.stack([stream.words(index, needed) for index in range(first, first + count)])
    class_words, example_words, order_words = np.split(words, [n_classes, needed - n_queries], axis=1)

    classes = smallest(class_words, protocol.n_way)
    example_words = example_words.reshape(count, protocol.n_way, largest)
    absent = np.arange(largest) >= sizes[classes][..., None]
    chosen = (
        smallest(np.where(absent, _NEVER, example_words), protocol.n_per_class) + starts[classes][..., None]
    )
    support, query = np.split(chosen, [protocol.n_shot], axis=2)
    order = np.argsort(order_words, axis=1, kind="stable")
    labels = np.arange(protocol.n_way)
    return EpisodeIndices(
        support=support.reshape(count, -1),
        support_labels=np.tile(np.repeat(labels, protocol.n_shot), (count, 1)),
        query=np.take_along_axis(query.reshape(count, -1), order, axis=1),
        query_labels=np.repeat(labels, protocol.n_query)[order],
        classes=classes,
    )


def manifest_hash(batches: Iterable[EpisodeIndices]) -> str:
    """Hash what is asked, episode by episode and example by example, however they are batched."""
    digest = hashlib.sha256()
    for batch in batches:
        for parts in zip(batch.support, batch.support_labels, batch.query, batch.query_labels, strict=True):
            for part in parts:
                digest.update(len(part).to_bytes(8, "little") + part.astype("<i8").tobytes())
    return digest.hexdigest()


def compose(  # noqa: PLR0913 - the parts of one episode, by name
    classes: NDArray[np.int64],
    starts: NDArray[np.int64],
    *,
    sizes: NDArray[np.int64],
    shots: NDArray[np.int64],
    n_query: int,
    example_words: NDArray[np.uint64],
    order_words: NDArray[np.uint64],
) -> EpisodeIndices:
    """Draw the examples of one episode whose classes and numbers of examples are known.

    Args:
        classes: Its classes, (n_way,).
        starts: Where each of them begins, (n_way,).
        sizes: Examples of each of them, (n_way,).
        shots: Support examples of each class, (n_way,).
        n_query: Query examples of each class.
        example_words: Random words, (n_way, largest class).
        order_words: Random words for the order of the queries, (n_way · n_query,).

    Returns:
        A batch of one.
    """
    chosen = [
        start + smallest(words[:size], shot + n_query)
        for start, size, shot, words in zip(starts, sizes, shots, example_words, strict=True)
    ]
    labels = np.arange(len(classes))
    order = np.argsort(order_words, kind="stable")
    query = np.concatenate([one[shot:] for one, shot in zip(chosen, shots, strict=True)])
    support = np.concatenate([one[:shot] for one, shot in zip(chosen, shots, strict=True)])
    return EpisodeIndices(
        support=support[None],
        support_labels=np.repeat(labels, shots)[None],
        query=query[order][None],
        query_labels=np.repeat(labels, n_query)[order][None],
        classes=classes[None],
    )


def smallest(words: NDArray[np.uint64], count: int) -> NDArray[np.int64]:
    """Positions of the `count` smallest words along the last axis, smallest first."""
    nearest = np.argpartition(words, count - 1, axis=-1)[..., :count]
    order = np.argsort(np.take_along_axis(words, nearest, axis=-1), axis=-1)
    return np.take_along_axis(nearest, order, axis=-1)
