"""Dataset `fc100`: the hundred classes of CIFAR-100, split by superclass by Oreshkin et al. (2018).

12 superclasses for meta_train, 4 for meta_val and 4 for meta_test, of five classes each; a class has 600
images, as upstream's training and test files are merged.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe
from metabench.hooks import hookimpl
from metabench_plugins.datasets.cifar_fs import CIFAR_FS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples

SPLIT_FILE = Path(__file__).with_name("fc100.json")


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the images: each class (600, 3, 32, 32), "<superclass>/<class>".

    Args:
        files: The archive, by `Source.path`.
    """
    from metabench_plugins.datasets import _cifar100  # noqa: PLC0415 - listing datasets decodes nothing

    (archive,) = files.values()
    return _cifar100.build(archive, SPLIT_FILE)


FC100 = Recipe(
    name="fc100",
    title="Photographs of 100 classes of CIFAR-100, 32x32 colour; split by superclass",
    modality="image",
    backbone="conv4",
    licence=CIFAR_FS.licence,
    citation=(
        "B. N. Oreshkin, P. Rodríguez, A. Lacoste. TADAM: task dependent adaptive metric for improved "
        "few-shot learning. NeurIPS 2018. Images: A. Krizhevsky. Learning multiple layers of features from "
        "tiny images. Technical report, University of Toronto, 2009."
    ),
    sources=CIFAR_FS.sources,
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `fc100`."""
    return [FC100]
