"""Dataset `omniglot`: handwritten characters of fifty alphabets, each in four rotations.

The class split is that of Vinyals et al. (2016) in the form in which it is commonly used: 1,028
characters for meta_train, 172 for meta_val and 423 for meta_test, before the rotations.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe, Source
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples

SPLIT_FILE = Path(__file__).with_name("omniglot_vinyals.json")


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the drawings: each class (20, 1, 28, 28), ink 255 on 0.

    Args:
        files: The two archives, by `Source.path`.
    """
    from metabench_plugins.datasets import _omniglot_images  # noqa: PLC0415 - listing datasets decodes nothing

    return _omniglot_images.build(files.values(), SPLIT_FILE)


def _source(file: str, size: int, sha256: str) -> Source:
    """Name a file of the official repository."""
    url = f"https://raw.githubusercontent.com/brendenlake/omniglot/master/python/{file}"
    return Source(f"omniglot/{file}", url, size, f"sha256:{sha256}")


OMNIGLOT = Recipe(
    name="omniglot",
    title="Handwritten characters of 50 alphabets in 4 rotations, 28x28 grey; split of Vinyals et al.",
    modality="image",
    backbone="conv4",
    licence="MIT, 2015 Brenden Lake",
    citation=(
        "B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum. Human-level concept learning through probabilistic "
        "program induction. Science 350 (2015), 1332-1338. Split: O. Vinyals et al. Matching networks for "
        "one shot learning. NeurIPS 2016."
    ),
    sources=(
        _source(
            "images_background.zip",
            9_464_212,
            "ad41ab679c8b5d90b271ef46be6987cc81211774a695c29dcc5367b2b26ee640",
        ),
        _source(
            "images_evaluation.zip",
            6_462_886,
            "1f61a8f3366785b057fc117d9228e78a16e3d976c8953b2a10fcc74cf0609cee",
        ),
    ),
    content_hash="1469040ba6a7ed28316a5ec6d592d89c434d9ebe3459896645115b9c98292bbf",
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `omniglot`."""
    return [OMNIGLOT]
