"""Examples that stand in two splits: what a method saw in meta-training would come up in its test."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from metabench.data.recipe import ClassExamples, Split


@dataclass(frozen=True)
class Fingerprints:
    """The examples of one class, as little as is needed to find them again.

    Attributes:
        name: The class.
        split: Its split.
        hashes: (n_examples,), uint64.
    """

    name: str
    split: Split
    hashes: NDArray[np.uint64]


def fingerprint(one: ClassExamples) -> Fingerprints:
    """Hash each example of a class, 8 bytes each, so that a million of them fit anywhere."""
    hashes = b"".join(hashlib.blake2b(example, digest_size=8).digest() for example in _encode(one))
    return Fingerprints(one.name, one.split, np.frombuffer(hashes, dtype="<u8"))


def _encode(one: ClassExamples) -> Iterator[bytes | memoryview]:
    if isinstance(one.examples, tuple):
        return map(str.encode, one.examples)
    return (np.ascontiguousarray(example).data for example in one.examples)


def find_duplicates(classes: Sequence[Fingerprints]) -> tuple[str, ...]:
    """Name the examples that stand in another split as well, each with the first of its like.

    Args:
        classes: In the order in which the lines shall name them.
    """
    hashes = np.concatenate([one.hashes for one in classes])
    splits = {one.split: number for number, one in enumerate(classes)}
    split_of = np.repeat([splits[one.split] for one in classes], [len(one.hashes) for one in classes])
    _, first, group = np.unique(hashes, return_index=True, return_inverse=True)
    # `first` is where a value occurs first, so an example differs in split from it or has no earlier like.
    elsewhere = np.flatnonzero(split_of != split_of[first[group]])
    return tuple(
        f"{second} = {original}"
        for original, second in zip(
            _name_places(classes, first[group[elsewhere]]), _name_places(classes, elsewhere), strict=True
        )
    )


def _name_places(classes: Sequence[Fingerprints], places: NDArray[np.int64]) -> Iterator[str]:
    starts = np.cumsum([0, *(len(one.hashes) for one in classes)])
    for place, number in zip(places, np.searchsorted(starts, places, side="right") - 1, strict=True):
        yield f"{classes[number].split} {classes[number].name!r} number {place - starts[number]}"
