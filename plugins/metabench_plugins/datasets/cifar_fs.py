"""Dataset `cifar-fs`: the hundred classes of CIFAR-100, split at random by Bertinetto et al. (2019).

64 classes for meta_train, 16 for meta_val and 20 for meta_test, each with 600 images: upstream's training
and test files are merged. Classes of one superclass stand in different splits; `fc100` keeps them together.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe, Source
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples

SPLIT_FILE = Path(__file__).with_name("cifar_fs.json")


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the images: each class (600, 3, 32, 32), "<superclass>/<class>".

    Args:
        files: The archive, by `Source.path`.
    """
    from metabench_plugins.datasets import _cifar100  # noqa: PLC0415 - listing datasets decodes nothing

    (archive,) = files.values()
    return _cifar100.build(archive, SPLIT_FILE)


CIFAR_FS = Recipe(
    name="cifar-fs",
    title="Photographs of 100 classes of CIFAR-100, 32x32 colour; split of Bertinetto et al.",
    modality="image",
    backbone="conv4",
    licence="No licence stated; A. Krizhevsky asks to cite his report",
    citation=(
        "L. Bertinetto, J. F. Henriques, P. H. S. Torr, A. Vedaldi. Meta-learning with differentiable "
        "closed-form solvers. ICLR 2019. Images: A. Krizhevsky. Learning multiple layers of features from "
        "tiny images. Technical report, University of Toronto, 2009."
    ),
    sources=(
        Source(
            "cifar-100/cifar-100-python.tar.gz",
            "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
            size=None,
            checksum="md5:eb9058c3a382ffc7106e4002c42a8d85",
        ),
    ),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `cifar-fs`."""
    return [CIFAR_FS]
