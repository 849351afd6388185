"""A dataset as it is read: contiguous examples, an index of classes, and a hash of the content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from metabench.data.recipe import ClassExamples, Split


@dataclass(frozen=True)
class Pool:
    """The classes of one split, from which episodes are drawn.

    Attributes:
        examples: (n_examples, channels, height, width), uint8; the examples of a class stand together.
        starts: (n_classes + 1,), int64; class c has the examples starts[c] … starts[c + 1] − 1.
        class_names: n_classes names.
    """

    examples: NDArray[np.uint8]
    starts: NDArray[np.int64]
    class_names: tuple[str, ...]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Examples of each class, (n_classes,)."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Dataset:
    """A built dataset, opened for reading.

    Attributes:
        name: As on the command line.
        modality: "image".
        pools: One for each split.
        content_hash: sha256 of examples and class names in canonical order.
        split_hash: sha256 of which class is in which split.
        expected_content: The content is what the recipe declares, or it declares none. Where it is not,
            another version of a decoder made other bytes: a run on it compares with no published one.
    """

    name: str
    modality: str
    pools: dict[Split, Pool]
    content_hash: str
    split_hash: str
    expected_content: bool = True

    @property
    def example_shape(self) -> tuple[int, ...]:
        """(channels, height, width)."""
        return self.pools["meta_test"].examples.shape[1:]


def class_digest(one: ClassExamples) -> str:
    """Hash the name and the examples of one class."""
    digest = hashlib.sha256(f"{one.name}\0{one.examples.dtype}\0{one.examples.shape}\0".encode())
    digest.update(np.ascontiguousarray(one.examples).tobytes())
    return digest.hexdigest()


def combine_digests(digests: Iterable[str]) -> str:
    """Hash the digests of all classes, whatever order they were built in."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()
