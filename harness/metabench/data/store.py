"""The store: each dataset decoded once into contiguous arrays that are mapped into memory.

A dataset is built in a folder of its own and moved into place whole, under a lock that goes with the
process: two processes may ask for one dataset at once, and a crash leaves nothing half-made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from metabench.data.dataset import Dataset, Pool, class_digest, combine_digests
from metabench.data.recipe import SPLITS
from metabench.data.sources import locate
from metabench.errors import DataError

if TYPE_CHECKING:
    from pathlib import Path

    from metabench.data.places import Places
    from metabench.data.recipe import ClassExamples, Recipe, Split

FORMAT = 1
INDEX = "index.json"
# What decodes examples: another version may decode to other bytes, so it builds its own copy.
_DECODERS = ("pillow", "matplotlib", "numpy")


def open_dataset(recipe: Recipe, places: Places) -> Dataset:
    """Open a dataset, building it first where it is not in the store.

    Raises:
        DataUnavailableError: It must be built, and a file of it is not on this machine.
        DataError: A file is damaged, the recipe gives nonsense, or the store cannot be written.
    """
    folder = places.store / f"{recipe.name}-{_key(recipe)}"
    try:
        if not (folder / INDEX).is_file():
            _build_into(folder, recipe, places)
    except OSError as error:
        raise DataError(
            f"Store {str(places.store)!r} cannot be written ({error}); expected a folder with room. "
            "Name another one in METABENCH_HOME."
        ) from error
    return _open(folder, recipe)


def _key(recipe: Recipe) -> str:
    decoders = {name: version(name) for name in _DECODERS}
    told = json.dumps([FORMAT, recipe.name, recipe.content_hash, decoders], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _build_into(folder: Path, recipe: Recipe, places: Places) -> None:
    places.store.mkdir(parents=True, exist_ok=True)
    with FileLock(places.store / f"{folder.name}.lock"):
        if (folder / INDEX).is_file():
            return
        part = places.store / f".{folder.name}.part"
        # What a process that died has left; the lock is held, so none is at it.
        for leftover in (part, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        classes = _decode(recipe, places)
        part.mkdir()
        try:
            _write(part, classes)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _decode(recipe: Recipe, places: Places) -> list[ClassExamples]:
    """Build the classes, in the order of their names: episodes are drawn by their numbers."""
    files = locate(recipe, places)
    try:
        classes = sorted(recipe.build(files), key=lambda one: one.name)
    except OSError as error:
        raise DataError(
            f"Dataset {recipe.name!r} cannot be built ({error}); expected files that can be read. "
            f"Check {', '.join(repr(str(file)) for file in files.values()) or 'its recipe'}."
        ) from error
    _check(recipe, classes)
    return classes


def _write(folder: Path, classes: list[ClassExamples]) -> None:
    index: dict[str, object] = {
        "content_hash": combine_digests(class_digest(one) for one in classes),
        "split_hash": combine_digests(f"{one.split}\0{one.name}" for one in classes),
    }
    for split in SPLITS:
        members = [one for one in classes if one.split == split]
        np.save(folder / f"{split}.npy", np.concatenate([one.examples for one in members]))
        index[split] = {
            "class_names": [one.name for one in members],
            "starts": np.cumsum([0, *(len(one.examples) for one in members)]).tolist(),
        }
    (folder / INDEX).write_text(json.dumps(index), encoding="utf-8")


def _check(recipe: Recipe, classes: list[ClassExamples]) -> None:
    """Refuse a build that is no dataset: episodes could not be drawn from it, or not be repeated.

    Raises:
        DataError: It is so.
    """
    for before, one in pairwise(classes):
        if one.name == before.name:
            raise _nonsense(recipe, f"has the class {one.name!r} twice; expected once")
    for one in classes:
        shape, dtype = one.examples.shape, one.examples.dtype
        if one.split not in SPLITS:
            raise _nonsense(
                recipe, f"has {one.name!r} in split {one.split!r}; expected one of {', '.join(SPLITS)}"
            )
        if dtype != np.uint8 or len(shape) != 4 or not shape[0] or shape[1:] != classes[0].examples.shape[1:]:
            raise _nonsense(
                recipe,
                f"has {dtype} examples of shape {shape} in class {one.name!r}; expected uint8, "
                "(n_examples, channels, height, width), in all classes alike",
            )
    for split in SPLITS:
        if not any(one.split == split for one in classes):
            raise _nonsense(recipe, f"has no class in {split}; expected some")


def _nonsense(recipe: Recipe, what: str) -> DataError:
    return DataError(f"Dataset {recipe.name!r} {what}. Mend its recipe.")


def _open(folder: Path, recipe: Recipe) -> Dataset:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return Dataset(
            name=recipe.name,
            modality=recipe.modality,
            pools={split: _open_pool(folder, split, index[split]) for split in SPLITS},
            content_hash=index["content_hash"],
            split_hash=index["split_hash"],
            expected_content=recipe.content_hash in (None, index["content_hash"]),
        )
    except (OSError, ValueError, LookupError, TypeError, EOFError) as error:
        raise DataError(
            f"Dataset {recipe.name!r} in {str(folder)!r} is damaged ({error}); expected what was built "
            "there. Delete that folder; it is built anew."
        ) from error


def _open_pool(folder: Path, split: Split, entry: dict[str, list[object]]) -> Pool:
    examples = np.load(folder / f"{split}.npy", mmap_mode="r")
    starts = np.array(entry["starts"], dtype=np.int64)
    names = tuple(str(name) for name in entry["class_names"])
    if starts[-1] != len(examples) or len(starts) != len(names) + 1:
        raise ValueError(
            f"{split} has {len(examples)} examples, its index {starts[-1]} of {len(names)} classes"
        )
    return Pool(examples, starts, names)
