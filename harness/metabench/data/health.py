"""What there is of a dataset on this machine, and whether it is what it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from metabench.data.imported import DESCRIPTION, open_imported, verify_imported
from metabench.data.origin import find_damage
from metabench.data.sources import find_file
from metabench.data.store import open_built, verify_built
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.data.dataset import Dataset
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe

State = Literal["present", "absent", "damaged"]


@dataclass(frozen=True)
class Health:
    """What there is of a dataset.

    Attributes:
        name: The dataset.
        has_files: All files that it is built from are here.
        is_built: It is in the store.
        expected_content: What is in the store is what the recipe declares; None where it is not built.
        duplicates: Examples that stand in two splits, a line each; known once it is built.
        damages: A line each, with the next step.
    """

    name: str
    has_files: bool
    is_built: bool
    expected_content: bool | None
    duplicates: tuple[str, ...]
    damages: tuple[str, ...]

    @property
    def state(self) -> State:
        """Whether the dataset can be used as it is."""
        if self.damages:
            return "damaged"
        return "present" if self.is_built or self.has_files else "absent"


def examine(recipe: Recipe, places: Places, *, quick: bool) -> Health:
    """Look at the files and the store.

    Files of a mirror are not compared: it may have packed them anew.

    Args:
        recipe: The dataset.
        places: Where data lies.
        quick: Compare sizes only, which takes milliseconds; otherwise everything is read and hashed.
    """
    files = [find_file(source, places) for source in recipe.sources]
    damages = list(_file_damages(recipe, places, quick=quick))
    dataset: Dataset | None = None
    try:
        _check_imported(recipe, places, quick=quick)
    except DataError as error:
        damages.append(str(error))
    try:
        dataset = (open_built if quick else verify_built)(recipe, places)
    except DataError as error:
        damages.append(str(error))
    return Health(
        name=recipe.name,
        has_files=None not in files,
        is_built=dataset is not None,
        expected_content=None if dataset is None else dataset.expected_content,
        duplicates=dataset.duplicates if dataset else (),
        damages=tuple(damages),
    )


def _check_imported(recipe: Recipe, places: Places, *, quick: bool) -> None:
    folder = places.imported / recipe.name
    if (folder / DESCRIPTION).is_file():
        (open_imported if quick else verify_imported)(folder, recipe)


def _file_damages(recipe: Recipe, places: Places, *, quick: bool) -> Iterator[str]:
    for source in recipe.sources:
        file = places.downloads / source.path
        if find_file(source, places) == file and (damage := find_damage(source, file, quick=quick)):
            yield (
                f"File {str(file)!r} of dataset {recipe.name!r} is damaged ({damage}); expected what was "
                f"pulled. Run `metabench data pull {recipe.name}`, which gets it again."
            )
