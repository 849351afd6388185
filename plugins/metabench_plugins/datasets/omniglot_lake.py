"""Dataset `omniglot-lake`: handwritten characters, with whole alphabets kept apart.

The files are those of `omniglot`, the split is that of Lake et al. (2015): the twenty evaluation
alphabets are meta_test. Of the thirty background alphabets the five with the fewest characters are
meta_val and the others meta_train, as in Meta-Dataset (Triantafillou et al. 2020): 883, 81 and 659
characters. No character is turned, since both papers take a character as it was drawn.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe
from metabench.hooks import hookimpl
from metabench_plugins.datasets.omniglot import OMNIGLOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples

SPLIT_FILE = Path(__file__).with_name("omniglot_lake.json")


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the drawings: each class (20, 1, 28, 28), ink 255 on 0.

    Args:
        files: The two archives, by `Source.path`.
    """
    from metabench_plugins.datasets import _omniglot_images  # noqa: PLC0415 - listing datasets decodes nothing

    return _omniglot_images.build_upright(files.values(), SPLIT_FILE)


OMNIGLOT_LAKE = Recipe(
    name="omniglot-lake",
    title="Handwritten characters of 50 alphabets, 28x28 grey; split by alphabet as Lake et al.",
    modality="image",
    backbone="conv4",
    licence=OMNIGLOT.licence,
    citation=(
        "B. M. Lake, R. Salakhutdinov, J. B. Tenenbaum. Human-level concept learning through probabilistic "
        "program induction. Science 350 (2015), 1332-1338. meta_val: E. Triantafillou et al. Meta-Dataset: "
        "a dataset of datasets for learning to learn from few examples. ICLR 2020."
    ),
    sources=OMNIGLOT.sources,
    content_hash="be2d5a22d613ac6ac58ae6669846cddc56f0dea105cd4f6b678e221cc5ee2399",
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `omniglot-lake`."""
    return [OMNIGLOT_LAKE]
