"""Writing a dataset: one class in memory at a time, in whatever order its recipe gives them."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from metabench.data.dataset import class_digest, combine_digests, split_digest
from metabench.data.duplicates import Fingerprints, find_duplicates, fingerprint
from metabench.data.recipe import SPLITS, ClassExamples
from metabench.data.texts import is_encodable, pack
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.recipe import Modality, Split

INDEX = "index.json"


def examples_file(split: Split) -> str:
    """Name of the file with the bytes of a split's examples, one after the other."""
    return f"{split}.bin"


def offsets_file(split: Split) -> str:
    """Name of the file that says where each text of a split begins: (n_texts + 1,), int64."""
    return f"{split}.offsets.npy"


@dataclass(frozen=True)
class _Written:
    """A class whose examples are in the file of its split.

    Attributes:
        fingerprints: Of its examples; its name and its split.
        digest: Of its name and its examples.
        first_byte: Where its examples begin in the file.
        lengths: (n_examples,), int64; bytes of each example.
    """

    fingerprints: Fingerprints
    digest: str
    first_byte: int
    lengths: NDArray[np.int64]

    @property
    def name(self) -> str:
        return self.fingerprints.name

    @property
    def split(self) -> Split:
        return self.fingerprints.split

    @property
    def n_bytes(self) -> int:
        return int(self.lengths.sum())


def write_dataset(folder: Path, name: str, modality: Modality, classes: Iterable[ClassExamples]) -> str:
    """Check the classes, write them ordered by name, and write an index of them last.

    Args:
        folder: Exists and is empty.
        name: The dataset, for messages.
        modality: What its examples are.
        classes: In any order; each is let go before the next is taken.

    Returns:
        The content hash.

    Raises:
        DataError: They are no dataset: episodes could not be drawn from it, or not be repeated.
        OSError: The folder cannot be written.
    """
    with ExitStack() as stack:
        files = {split: stack.enter_context((folder / examples_file(split)).open("wb")) for split in SPLITS}
        appender = _Appender(name, modality, files)
        # Episodes are drawn by the numbers of classes, so their order must not depend on the recipe's.
        written = sorted(map(appender.append, classes), key=lambda one: one.name)
    by_split = {split: [one for one in written if one.split == split] for split in SPLITS}
    for split, members in by_split.items():
        if not members:
            raise nonsense(name, f"has no class in {split}; expected some")
        _put_in_order(folder / examples_file(split), members)
        if modality == "text":
            lengths = np.concatenate([[0], *(one.lengths for one in members)])
            np.save(folder / offsets_file(split), np.cumsum(lengths, dtype=np.int64))
    content_hash = combine_digests(one.digest for one in written)
    index: dict[str, object] = {
        "content_hash": content_hash,
        "split_hash": combine_digests(split_digest(one.name, one.split) for one in written),
        "example_shape": appender.example_shape,
        "duplicates": find_duplicates([one.fingerprints for split in SPLITS for one in by_split[split]]),
    }
    index |= {split: _describe(members) for split, members in by_split.items()}
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")
    return content_hash


def nonsense(dataset: str, what: str) -> DataError:
    """Say that a recipe gives what is no dataset."""
    return DataError(f"Dataset {dataset!r} {what}. Mend its recipe.")


class _Appender:
    """Checks classes and appends their examples to the files of their splits.

    Attributes:
        example_shape: (channels, height, width) once there was an image, else ().
    """

    def __init__(self, dataset: str, modality: Modality, files: Mapping[Split, BinaryIO]) -> None:
        self._dataset = dataset
        self._is_text = modality == "text"
        self._files = files
        self._split_of: dict[str, Split] = {}
        self.example_shape: tuple[int, ...] = ()

    def append(self, one: ClassExamples) -> _Written:
        """Write one class.

        Raises:
            DataError: It is no class, or there was one of its name.
            OSError: The file cannot be written.
        """
        self._check_name(one)
        content, lengths = self._encode_texts(one) if self._is_text else self._encode_images(one)
        file = self._files[one.split]
        first_byte = file.tell()
        file.write(content.data)
        return _Written(fingerprint(one), class_digest(one), first_byte, lengths)

    def _check_name(self, one: ClassExamples) -> None:
        if one.split not in SPLITS:
            raise nonsense(
                self._dataset, f"has {one.name!r} in split {one.split!r}; expected one of {', '.join(SPLITS)}"
            )
        if not one.name or not is_encodable(one.name):
            raise nonsense(self._dataset, f"has a class named {one.name!r}; expected a name in Unicode")
        if one.name in self._split_of:
            where = " and ".join(dict.fromkeys([self._split_of[one.name], one.split]))
            raise nonsense(self._dataset, f"has the class {one.name!r} twice, in {where}; expected once")
        self._split_of[one.name] = one.split

    def _encode_images(self, one: ClassExamples) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The images of a class as they go into the file, and the bytes of each."""
        images = one.examples
        if isinstance(images, tuple):
            raise nonsense(self._dataset, f"has texts in class {one.name!r}; expected images")
        shape = images.shape
        if images.dtype == np.uint8 and len(shape) == 4 and all(shape):
            self.example_shape = self.example_shape or shape[1:]
        if images.dtype != np.uint8 or not shape[0] or shape[1:] != self.example_shape:
            raise nonsense(
                self._dataset,
                f"has {images.dtype} examples of shape {shape} in class {one.name!r}; expected uint8, "
                "(n_examples, channels, height, width), in all classes alike",
            )
        return np.ascontiguousarray(images), np.full(len(images), images[0].size, dtype=np.int64)

    def _encode_texts(self, one: ClassExamples) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The texts of a class as they go into the file, and the bytes of each."""
        if not isinstance(one.examples, tuple) or not one.examples:
            got = "no text" if isinstance(one.examples, tuple) else f"a {type(one.examples).__name__}"
            raise nonsense(self._dataset, f"has {got} in class {one.name!r}; expected a tuple of texts")
        for number, text in enumerate(one.examples):
            if not isinstance(text, str) or not text.strip() or not is_encodable(text):
                raise nonsense(
                    self._dataset,
                    f"has {text!r} as number {number} of class {one.name!r}; expected a text in Unicode that "
                    "is not blank",
                )
        texts = pack(one.examples)
        return texts.data, np.diff(texts.offsets)


def _put_in_order(file: Path, members: Sequence[_Written]) -> None:
    """Rewrite a file of examples where its classes do not stand in the order of their names."""
    if all(before.first_byte < one.first_byte for before, one in pairwise(members)):
        return
    ordered = file.with_name(f"{file.name}.ordered")
    with file.open("rb") as source, ordered.open("wb") as target:
        for one in members:
            source.seek(one.first_byte)
            target.write(source.read(one.n_bytes))
    ordered.replace(file)


def _describe(members: Sequence[_Written]) -> dict[str, object]:
    """The classes of a split in the index."""
    return {
        "class_names": [one.name for one in members],
        "starts": np.cumsum([0, *(len(one.lengths) for one in members)]).tolist(),
    }
