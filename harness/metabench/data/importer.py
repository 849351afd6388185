"""Bring a dataset of one's own: read it, put its classes into splits, keep it decoded."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from filelock import FileLock

from metabench.data.class_split import FEWEST_CLASSES, draw_splits
from metabench.data.imported import Description, imported_recipe, open_imported, write_description
from metabench.data.raw import refuse
from metabench.data.raw_images import read_folder
from metabench.data.raw_saved import is_saved, read_saved
from metabench.data.raw_texts import read_file
from metabench.data.recipe import SPLITS, ClassExamples, Recipe
from metabench.data.writer import write_dataset
from metabench.errors import DataError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from metabench.data.dataset import Dataset
    from metabench.data.places import Places
    from metabench.data.raw import RawClass, RawDataset
    from metabench.data.recipe import Modality

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Wish:
    """What a user wants to be imported.

    Attributes:
        name: What the dataset will be called.
        path: A folder of images, a file of texts, or a folder that `datasets` has saved.
        side: Height and width that images are resized to, in pixels.
        seed: Draws the splits, where the user has made none.
        min_examples: Classes with fewer examples are left out.
        licence: What the user says of it.
    """

    name: str
    path: Path
    side: int = 84
    seed: int = 0
    min_examples: int = 1
    licence: str = "unknown"


@dataclass(frozen=True)
class Imported:
    """What was imported.

    Attributes:
        recipe: The dataset from now on.
        dataset: Opened.
        is_drawn: The splits were drawn; otherwise the user has made them.
        n_left_out: Classes that had too few examples.
    """

    recipe: Recipe
    dataset: Dataset
    is_drawn: bool
    n_left_out: int


def import_dataset(
    wish: Wish,
    places: Places,
    backbone_for: Callable[[Modality], str],
    watch: Callable[[list[RawClass]], Iterable[RawClass]] = iter,
) -> Imported:
    """Import a dataset whole, or not at all.

    Args:
        wish: What to import.
        places: Where data lies.
        backbone_for: Names the backbone that a run on the dataset takes when none is named.
        watch: Goes through the classes while they are read, e.g. to show how it goes.

    Raises:
        UsageError: The name cannot be one, or is taken.
        DataError: What there is, is no dataset, or there is no room for it.
    """
    folder = _folder_for(wish.name, places)
    raw = read_raw(wish.path, wish.side)
    kept = [one for one in raw.classes if one.n_examples >= wish.min_examples]
    n_left_out = len(raw.classes) - len(kept)
    is_drawn = all(one.split is None for one in kept)
    classes = _with_splits(wish, kept)
    title = f"Imported from {wish.path.name!r}: {raw.modality}s of {len(classes)} classes"
    description = Description(
        wish.name, title, raw.modality, backbone_for(raw.modality), wish.licence, content_hash=""
    )
    try:
        _write(folder, description, watch(classes))
    except OSError as error:
        raise DataError(
            f"Folder {str(places.imported)!r} cannot be written ({error}); expected a folder with room. "
            "Make room, or name another one in METABENCH_HOME."
        ) from error
    recipe = imported_recipe(folder)
    return Imported(recipe, open_imported(folder, recipe), is_drawn, n_left_out)


def read_raw(path: Path, side: int) -> RawDataset:
    """Find out what is at a path, and read it.

    Raises:
        DataError: Nothing that can be imported is there.
    """
    try:
        if path.is_dir():
            return read_saved(path, side) if is_saved(path) else read_folder(path, side)
        return read_file(path)
    except OSError as error:
        raise refuse(
            path,
            f"cannot be read ({error.strerror or error})",
            "a folder with a folder of images for each class, a .csv or .jsonl file, or a folder saved by "
            "`datasets` is expected",
            "Name another one",
        ) from error


def _folder_for(name: str, places: Places) -> Path:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"Dataset name {name!r} cannot be one; expected up to 64 letters, digits, '.', '_' and '-' that "
            "begin with a letter or a digit. Choose another one."
        )
    folder = places.imported / name
    if folder.exists():
        raise UsageError(
            f"Dataset {name!r} is in {str(folder)!r} already; expected a new name. Choose another one, or "
            "delete that folder first."
        )
    return folder


def _with_splits(wish: Wish, classes: list[RawClass]) -> list[RawClass]:
    """Give each class its split, once it is sure that they make a dataset."""
    name, n_times = max(Counter(one.name for one in classes).items(), key=lambda one: one[1], default=("", 1))
    if n_times > 1:
        where = " and ".join(str(one.split) for one in classes if one.name == name)
        raise refuse(
            wish.path,
            f"has the class {name!r} in {where}",
            "each class is expected in one split",
            "Rename it",
        )
    if not classes or any(one.split is None for one in classes):
        if len(classes) < FEWEST_CLASSES:
            raise refuse(
                wish.path,
                f"has {len(classes)} classes"
                + (f" of {wish.min_examples} or more examples" if wish.min_examples > 1 else ""),
                f"at least {FEWEST_CLASSES} are expected, to be put into three splits of five",
                "Add classes, or put them into meta_train, meta_val and meta_test yourself",
            )
        splits = draw_splits((one.name for one in classes), wish.seed)
        return [replace(one, split=splits[one.name]) for one in classes]
    for split in SPLITS:
        if not any(one.split == split for one in classes):
            raise refuse(wish.path, f"has no class in {split}", "some are expected", "Add or move classes")
    return classes


def _write(folder: Path, description: Description, classes: Iterable[RawClass]) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f".{folder.name}.part")
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        # What a process that died has left; the lock is held, so none is at it.
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir()
        try:
            content_hash = write_dataset(part, description.name, description.modality, _decode(classes))
            write_description(part, replace(description, content_hash=content_hash))
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _decode(classes: Iterable[RawClass]) -> Iterator[ClassExamples]:
    for one in classes:
        assert one.split is not None
        yield ClassExamples(one.name, one.split, one.load())
