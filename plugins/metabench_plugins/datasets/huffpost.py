"""Dataset `huffpost`: headlines of a newspaper, 41 sections.

The headlines of 2012 to 2018 that Bao et al. (2020) publish, with their class split: sections 0 … 19 for
meta_train, 20 … 24 for meta_val, 25 … 40 for meta_test. Their files number the sections and do not name
them, so classes are "section00" … "section40". Headlines come as tokens and are joined by spaces.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe
from metabench.hooks import hookimpl
from metabench_plugins.datasets import _signatures
from metabench_plugins.datasets._utterances import group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from metabench.data.recipe import ClassExamples, Split

_CLASSES = tuple(f"section{number:02}" for number in range(41))


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the headlines of each section.

    Args:
        files: The archive, by `Source.path`.
    """
    (archive,) = files.values()
    split_of = {name: _split(number) for number, name in enumerate(_CLASSES)}
    return group("huffpost", _signatures.read("huffpost", archive, "huffpost.json", _CLASSES), split_of)


def _split(number: int) -> Split:
    """The split of a section by its number."""
    if number < 20:
        return "meta_train"
    return "meta_val" if number < 25 else "meta_test"


HUFFPOST = Recipe(
    name="huffpost",
    title="Headlines of a newspaper, 41 sections; split of Bao et al.",
    modality="text",
    backbone="bilstm",
    licence="CC0 1.0, 2018 Rishabh Misra; headlines are HuffPost's",
    citation=f"R. Misra. News category dataset. 2018. Texts and split: {_signatures.CITATION}",
    sources=(_signatures.SOURCE,),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `huffpost`."""
    return [HUFFPOST]
