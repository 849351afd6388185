"""Dataset `miniimagenet`: a hundred classes of ImageNet, in the split of Ravi and Larochelle (2017).

64 classes for meta_train, 16 for meta_val and 20 for meta_test, each with 600 images. The files are the
caches of Ren et al. (2018), which hold the images at 84x84 pixels: which photographs, how they were cropped
and how they were resized is as published there, and nothing is resized here.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import SPLITS, ClassExamples, Recipe, Source
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.recipe import Split

SPLIT_FILE = Path(__file__).with_name("miniimagenet.json")
SIDE = 84  # of an image, in pixels

_FILE_OF: dict[Split, str] = {
    split: f"mini-imagenet-cache-{part}.pkl"
    for split, part in zip(SPLITS, ("train", "validation", "test"), strict=True)
}
_WORDNET_ID = re.compile(r"n\d{8}")


def build(files: Mapping[str, Path], split_file: Path = SPLIT_FILE) -> Iterator[ClassExamples]:
    """Read the images, one cache after the other: the largest takes 0.8 GB of memory, twice.

    Args:
        files: The caches, by `Source.path`.
        split_file: Split to WordNet ids.

    Yields:
        Classes named by their WordNet ids, each (600, 3, 84, 84): red, green, blue.

    Raises:
        DataError: A cache cannot be read, or has other classes than its split.
    """
    from metabench_plugins.datasets._class_split import read_split  # noqa: PLC0415 - with the others
    from metabench_plugins.datasets._pickles import refusing  # noqa: PLC0415 - listing decodes nothing

    split_of = read_split(split_file)
    for split, file in _FILE_OF.items():
        path = files[f"miniimagenet/{file}"]
        with refusing(file):
            images, members = read_cache(path)
            _check_names(set(members), {name for name in split_of if split_of[name] == split})
        for name in sorted(members):
            yield ClassExamples(name, split, images[members[name]].transpose(0, 3, 1, 2))


def read_cache(path: Path) -> tuple[NDArray[np.uint8], dict[str, NDArray[np.int64]]]:
    """Read one cache.

    Returns:
        Images, (n, 84, 84, 3), and the numbers of those of each class.

    Raises:
        Exception: Any of those that `refusing` takes.
    """
    from metabench_plugins.datasets import _pickles  # noqa: PLC0415 - listing datasets decodes nothing

    with path.open("rb") as stream:
        cache = _pickles.load(stream)
    images = cache.entry("image_data").array()
    members = {name: part.numbers() for name, part in cache.entry("class_dict").entries().items()}
    if images.dtype != "uint8" or images.shape[1:] != (SIDE, SIDE, 3):
        raise ValueError(f"{images.dtype} images of shape {images.shape}")
    for name, numbers in members.items():
        if not len(numbers) or numbers.min() < 0 or numbers.max() >= len(images):
            raise ValueError(f"class {name!r} has numbers that no image has, or none")
    return images, members


def _check_names(names: set[str], expected: set[str]) -> None:
    """Compare classes with those of a split, by their WordNet ids where they are named so."""
    if len(names) != len(expected):
        raise ValueError(f"{len(names)} classes, not {len(expected)}")
    if strange := {name for name in names if _WORDNET_ID.fullmatch(name)} - expected:
        raise ValueError(f"class {min(strange)!r} of another split")


MINIIMAGENET = Recipe(
    name="miniimagenet",
    title="Photographs of 100 classes of ImageNet, 84x84 colour; split of Ravi and Larochelle",
    modality="image",
    backbone="conv4",
    licence="ImageNet terms of access: non-commercial research and education only",
    citation=(
        "O. Vinyals et al. Matching networks for one shot learning. NeurIPS 2016. Split: S. Ravi, "
        "H. Larochelle. Optimization as a model for few-shot learning. ICLR 2017. Files: M. Ren et al. "
        "Meta-learning for semi-supervised few-shot classification. ICLR 2018."
    ),
    sources=tuple(
        # Upstream tells no checksum: which images these are is known by the hash of the content.
        Source(
            f"miniimagenet/{file}",
            f"https://zenodo.org/record/7978538/files/{file}",
            size=None,
            checksum=None,
        )
        for file in _FILE_OF.values()
    ),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `miniimagenet`."""
    return [MINIIMAGENET]
