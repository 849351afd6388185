"""Find the files of a dataset on this machine; nothing is fetched here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabench.errors import DataUnavailableError

if TYPE_CHECKING:
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe, Source


def locate(recipe: Recipe, places: Places) -> dict[str, Path]:
    """Find every file of a dataset, in the mirror first, then among the downloads.

    Raises:
        DataUnavailableError: A file is in neither.
    """
    return {source.path: _locate_one(recipe.name, source, places) for source in recipe.sources}


def find_file(source: Source, places: Places) -> Path | None:
    """Find one file, in the mirror first, then among the downloads."""
    files = (folder / source.path for folder in _folders(places))
    return next((file for file in files if file.is_file()), None)


def _locate_one(dataset: str, source: Source, places: Places) -> Path:
    file = find_file(source, places)
    if file is None:
        raise DataUnavailableError(
            f"Dataset {dataset!r} needs the file {source.path!r}; it is in none of "
            f"{', '.join(repr(str(folder)) for folder in _folders(places))}. "
            f"Run `metabench data pull {dataset}`, or name a folder that has it in METABENCH_MIRROR."
        )
    return file


def _folders(places: Places) -> list[Path]:
    mirror = [places.mirror] if isinstance(places.mirror, Path) else []
    return [*mirror, places.downloads]
