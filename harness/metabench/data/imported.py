"""Datasets that users brought: each a folder of decoded examples with a description."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, get_args

from metabench.data.recipe import Modality, Recipe
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from metabench.data.dataset import Dataset
    from metabench.data.places import Places
    from metabench.data.recipe import ClassExamples

DESCRIPTION = "description.json"
_FORMAT = 1
_NEXT_STEP = "Delete that folder and import the dataset again."


@dataclass(frozen=True)
class Description:
    """What is kept of an imported dataset beside its examples; see `Recipe`."""

    name: str
    title: str
    modality: Modality
    backbone: str
    licence: str
    content_hash: str


def write_description(folder: Path, description: Description) -> None:
    """Make a folder of decoded examples a dataset.

    Raises:
        OSError: It cannot be written.
    """
    text = json.dumps({"format": _FORMAT, **asdict(description)}, indent=2)
    (folder / DESCRIPTION).write_text(text, encoding="utf-8")


def imported_folders(places: Places) -> list[Path]:
    """The folders of all imported datasets, by name; none where the home cannot be looked into."""
    try:
        folders = [one for one in places.imported.iterdir() if one.is_dir()]
    except OSError:
        return []
    return sorted(one for one in folders if not one.name.startswith("."))


def imported_recipe(folder: Path) -> Recipe:
    """Make an imported dataset a recipe, whose classes are read when it is built.

    Raises:
        DataError: Its description cannot be read.
    """
    try:
        description = _parse((folder / DESCRIPTION).read_text(encoding="utf-8"), folder.name)
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"Imported dataset {str(folder)!r} has a damaged description ({error}); expected what was "
            f"written there. {_NEXT_STEP}"
        ) from error
    return _recipe(folder, description)


def _parse(text: str, name: str) -> Description:
    told = json.loads(text)
    if told["format"] != _FORMAT or told["name"] != name:
        raise ValueError(f"it has format {told['format']!r} and the name {told['name']!r}")
    if told["modality"] not in get_args(Modality):
        raise ValueError(f"it has the modality {told['modality']!r}")
    description = Description(**{field.name: told[field.name] for field in fields(Description)})
    if not all(isinstance(value, str) for value in asdict(description).values()):
        raise TypeError("a part of it is no text")
    return description


def _recipe(folder: Path, description: Description) -> Recipe:
    def build(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
        from metabench.data.dataset import classes_of  # noqa: PLC0415 - loads numpy

        for split, pool in open_imported(folder, recipe).pools.items():
            yield from classes_of(pool, split)

    recipe = Recipe(**asdict(description), citation="", sources=(), build=build)
    return recipe


def open_imported(folder: Path, recipe: Recipe) -> Dataset:
    """Open what was imported.

    Raises:
        DataError: It is damaged, as far as can be seen at once.
    """
    from metabench.data.store import open_folder  # noqa: PLC0415 - loads numpy

    return open_folder(folder, recipe, next_step=_NEXT_STEP)


def verify_imported(folder: Path, recipe: Recipe) -> None:
    """Hash all that was imported.

    Raises:
        DataError: It is damaged.
    """
    from metabench.data.store import verify  # noqa: PLC0415 - loads numpy

    verify(open_imported(folder, recipe), folder, next_step=_NEXT_STEP)
