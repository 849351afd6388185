"""Dataset `tieredimagenet`: 608 classes of ImageNet, split by their categories by Ren et al. (2018).

351 classes for meta_train, 97 for meta_val and 160 for meta_test, about 1,280 images each; the 34
categories above them do not cross the split. The files are upstream's, in which each image is a PNG file of
84x84 pixels. They name classes in words, which are not unique, and not by WordNet ids: a class is called by
file, number and words. Red and blue are as the PNG files have them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.data.recipe import SPLITS, ClassExamples, Recipe, Source
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.recipe import Split
    from metabench_plugins.datasets._pickles import Pickled

_PARTS: dict[Split, str] = dict(zip(SPLITS, ("train", "val", "test"), strict=True))
_N_CLASSES: dict[Split, int] = dict(zip(SPLITS, (351, 97, 160), strict=True))


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the images, one split after the other: the PNG files of a split are in memory at once.

    Args:
        files: Images and labels of each split, by `Source.path`.

    Yields:
        "<part>/<number> <words>", part being train, val or test, each (n_examples, 3, 84, 84).

    Raises:
        DataError: A file cannot be read, or has other classes than expected.
    """
    import numpy as np  # noqa: PLC0415 - listing datasets decodes nothing

    from metabench_plugins.datasets import _photographs  # noqa: PLC0415 - likewise
    from metabench_plugins.datasets._pickles import load, refusing  # noqa: PLC0415 - likewise

    for split, part in _PARTS.items():
        images_file, labels_file = (files[f"tieredimagenet/{file}"] for file in _files(part))
        with refusing(labels_file.name), labels_file.open("rb") as stream:
            labels, names = read_labels(load(stream), _N_CLASSES[split])
        with refusing(images_file.name), images_file.open("rb") as stream:
            images = [item.array().tobytes() for item in load(stream).items()]
            if len(images) != len(labels):
                raise ValueError(f"{len(images)} images for {len(labels)} labels")
        for number, name in enumerate(names):
            title = f"{part}/{number:03d} {name}"
            members = [
                _photographs.decode(f"{i} of {images_file.name}", images[i], file_format="PNG")
                for i in np.flatnonzero(labels == number)
            ]
            yield ClassExamples(title, split, np.stack(members))


def read_labels(content: Pickled, n_classes: int) -> tuple[NDArray[np.int64], list[str]]:
    """Read the class of each image, (n,), and what the classes are called.

    Raises:
        Exception: Any of those that `refusing` takes.
    """
    labels = content.entry("label_specific").numbers()
    names = content.entry("label_specific_str").texts()
    if len(names) != n_classes or sorted(set(labels.tolist())) != list(range(n_classes)):
        raise ValueError(f"{len(names)} classes, {len(set(labels.tolist()))} with images, not {n_classes}")
    return labels, names


def _files(part: str) -> tuple[str, str]:
    return f"tiered-imagenet-{part}_images_png.pkl", f"tiered-imagenet-{part}_labels.pkl"


TIEREDIMAGENET = Recipe(
    name="tieredimagenet",
    title="Photographs of 608 classes of ImageNet, 84x84 colour; split by category",
    modality="image",
    backbone="conv4",
    licence="ImageNet terms of access: non-commercial research and education only",
    citation=(
        "M. Ren, E. Triantafillou, S. Ravi, J. Snell, K. Swersky, J. B. Tenenbaum, H. Larochelle, R. S. "
        "Zemel. Meta-learning for semi-supervised few-shot classification. ICLR 2018."
    ),
    sources=tuple(
        # Upstream tells no checksum: which images these are is known by the hash of the content.
        Source(
            f"tieredimagenet/{file}",
            f"https://zenodo.org/record/7978538/files/{file}",
            size=None,
            checksum=None,
        )
        for part in _PARTS.values()
        for file in _files(part)
    ),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `tieredimagenet`."""
    return [TIEREDIMAGENET]
