"""A dataset as it is read: contiguous examples, an index of classes, and a hash of the content."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.data.recipe import ClassExamples
from metabench.data.texts import Texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from metabench.data.recipe import Split


@dataclass(frozen=True)
class Pool:
    """The classes of one split, from which episodes are drawn.

    Attributes:
        examples: The examples of a class stand together. Images: (n_examples, channels, height, width),
            uint8. Token ids: (n_examples, length), int64. Texts: a sequence of n_examples.
        starts: (n_classes + 1,), int64; class c has the examples starts[c] … starts[c + 1] − 1.
        class_names: n_classes names.
    """

    examples: NDArray[np.uint8] | NDArray[np.int64] | Texts
    starts: NDArray[np.int64]
    class_names: tuple[str, ...]

    @property
    def numbers(self) -> NDArray[np.uint8] | NDArray[np.int64]:
        """The examples as a contestant gets them.

        Raises:
            TypeError: They are texts, which must be tokenized first.
        """
        if isinstance(self.examples, Texts):
            raise TypeError("texts must be tokenized before a contestant gets them")
        return self.examples

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Examples of each class, (n_classes,)."""
        return np.diff(self.starts)


@dataclass(frozen=True)
class Dataset:
    """A built dataset, opened for reading.

    Attributes:
        name: As on the command line.
        modality: "image" or "text".
        pools: One for each split.
        content_hash: sha256 of examples and class names in canonical order.
        split_hash: sha256 of which class is in which split.
        expected_content: The content is what the recipe declares, or it declares none. Where it is not,
            another version of a decoder made other bytes: a run on it compares with no published one.
        duplicates: Examples that stand in two splits, a line each with classes and numbers.
        n_tokens: Token ids lie in 0 … n_tokens − 1; 0 where there are none.
    """

    name: str
    modality: str
    pools: dict[Split, Pool]
    content_hash: str
    split_hash: str
    expected_content: bool = True
    duplicates: tuple[str, ...] = ()
    n_tokens: int = 0

    @property
    def example_shape(self) -> tuple[int, ...]:
        """(channels, height, width) of images, (length,) of token ids, () of texts."""
        examples = self.pools["meta_test"].examples
        return () if isinstance(examples, Texts) else examples.shape[1:]


def classes_of(pool: Pool, split: Split) -> Iterator[ClassExamples]:
    """Read a pool class by class, as its recipe gave them.

    Raises:
        TypeError: The pool has token ids, which no recipe gives.
        UnicodeDecodeError: A text is damaged.
    """
    for number, name in enumerate(pool.class_names):
        first, last = int(pool.starts[number]), int(pool.starts[number + 1])
        if isinstance(pool.examples, Texts):
            yield ClassExamples(name, split, tuple(pool.examples[i] for i in range(first, last)))
        elif pool.examples.dtype == np.uint8:
            yield ClassExamples(name, split, pool.examples[first:last].view(np.uint8))
        else:
            raise TypeError(f"{pool.examples.dtype} examples; expected images or texts")


def class_digest(one: ClassExamples) -> str:
    """Hash the name and the examples of one class."""
    if isinstance(one.examples, tuple):
        digest = hashlib.sha256(f"{one.name}\0text\0{len(one.examples)}\0".encode())
        for text in map(str.encode, one.examples):
            # With its length before it, no text can run over into the next.
            digest.update(len(text).to_bytes(8, "little") + text)
    else:
        digest = hashlib.sha256(f"{one.name}\0{one.examples.dtype}\0{one.examples.shape}\0".encode())
        digest.update(np.ascontiguousarray(one.examples).data)
    return digest.hexdigest()


def combine_digests(digests: Iterable[str]) -> str:
    """Hash the digests of all classes, whatever order they were built in."""
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()


def split_digest(one_name: str, split: Split) -> str:
    """What `Dataset.split_hash` combines: a class and its split."""
    return f"{split}\0{one_name}"
