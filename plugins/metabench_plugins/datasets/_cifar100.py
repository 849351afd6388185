"""How the classes of `cifar-fs` and `fc100` come out of the archive of CIFAR-100."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

from metabench.data.archive import read_tar_members
from metabench.data.recipe import ClassExamples
from metabench.errors import DataError
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets._pickles import load, refusing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SIDE = 32  # of an image, in pixels

_META, *_BATCHES = (f"cifar-100-python/{name}" for name in ("meta", "train", "test"))
_MAX_MEMBER_BYTES = 2**28  # the largest takes 155 MB


def build(archive: Path, split_file: Path) -> Iterator[ClassExamples]:
    """Read the images, those of upstream's training file first.

    Args:
        archive: cifar-100-python.tar.gz.
        split_file: Split to classes ("fish/trout") or to superclasses ("fish").

    Yields:
        "<superclass>/<class>" in the order of the names, each (600, 3, 32, 32): red, green, blue.

    Raises:
        DataError: The archive cannot be read, or has other classes than the split.
    """
    images = read_classes(archive)
    split = read_split(split_file)
    key_of = {name: name if name in split else name.partition("/")[0] for name in images}
    if differing := set(split) ^ set(key_of.values()):
        message = f"Archive {archive.name!r} and the class split differ in {min(differing)!r}; the classes of"
        raise DataError(f"{message} CIFAR-100 are expected. Fetch it from its official address.")
    for name in sorted(images):
        yield ClassExamples(name, split[key_of[name]], images[name])


def read_classes(archive: Path) -> dict[str, NDArray[np.uint8]]:
    """Read the images of each class, (n_examples, 3, 32, 32), by "<superclass>/<class>".

    Raises:
        DataError: The archive cannot be read, or is not laid out as CIFAR-100 is.
    """
    members = {
        name: content
        for name, content in read_tar_members(archive, max_member_bytes=_MAX_MEMBER_BYTES)
        if name in (_META, *_BATCHES)
    }
    if missing := [name for name in (_META, *_BATCHES) if name not in members]:
        message = f"Archive {archive.name!r} has no file {missing[0]!r}; CIFAR-100 for Python is expected."
        raise DataError(f"{message} Fetch it from its official address.")
    with refusing(f"{archive.name}/{_META}"):
        meta = load(io.BytesIO(members[_META]))
        fine, coarse = meta.entry("fine_label_names").texts(), meta.entry("coarse_label_names").texts()
    parts: dict[str, list[NDArray[np.uint8]]] = {}
    for batch in _BATCHES:
        with refusing(f"{archive.name}/{batch}"):
            images, labels = _read_batch(members[batch], len(fine), len(coarse))
            for label in np.unique(labels, axis=0):
                name = f"{coarse[label[1]]}/{fine[label[0]]}"
                parts.setdefault(name, []).append(images[(labels == label).all(axis=1)])
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _read_batch(content: bytes, n_fine: int, n_coarse: int) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read one file of images.

    Returns:
        (n, 3, 32, 32), and (n, 2): numbers of class and superclass.

    Raises:
        Exception: Any of those that `refusing` takes.
    """
    batch = load(io.BytesIO(content))
    pixels = batch.entry("data").array()
    labels = np.stack([batch.entry(f"{kind}_labels").numbers() for kind in ("fine", "coarse")], axis=1)
    if pixels.dtype != np.uint8 or pixels.shape != (len(labels), 3 * SIDE * SIDE):
        raise ValueError(f"{pixels.dtype} images of shape {pixels.shape} with {len(labels)} labels")
    if len(labels) and (labels.min() < 0 or (labels.max(axis=0) >= (n_fine, n_coarse)).any()):
        raise ValueError("labels without a name")
    return pixels.reshape(-1, 3, SIDE, SIDE), labels
