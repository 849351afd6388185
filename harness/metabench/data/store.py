"""The store: each dataset decoded once into contiguous arrays that are mapped into memory.

A dataset is built in a folder of its own and moved into place whole, under a lock that goes with the
process: two processes may ask for one dataset at once, and a crash leaves nothing half-made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from filelock import FileLock

from metabench.data.dataset import Dataset, Pool, class_digest, combine_digests
from metabench.data.recipe import SPLITS
from metabench.data.sources import locate
from metabench.errors import DataError

if TYPE_CHECKING:
    from metabench.data.places import Places
    from metabench.data.recipe import ClassExamples, Recipe, Split

FORMAT = 1
# What decodes examples: another version may decode to other bytes, so it builds its own copy.
_DECODERS = ("pillow", "matplotlib", "numpy")


def open_dataset(recipe: Recipe, places: Places) -> Dataset:
    """Open a dataset, building it first where it is not in the store.

    Raises:
        DataUnavailableError: It must be built, and a file of it is not on this machine.
        DataError: A file is damaged, the recipe gives nonsense, or the store cannot be written.
    """
    folder = places.store / f"{recipe.name}-{_key(recipe)}"
    if not (folder / "index.json").is_file():
        _build_into(folder, recipe, places)
    return _open(folder, recipe)


def _key(recipe: Recipe) -> str:
    decoders = {name: version(name) for name in _DECODERS}
    told = json.dumps([FORMAT, recipe.name, recipe.content_hash, decoders], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _build_into(folder: Path, recipe: Recipe, places: Places) -> None:
    try:
        places.store.mkdir(parents=True, exist_ok=True)
        with FileLock(places.store / f"{folder.name}.lock"):
            if (folder / "index.json").is_file():
                return
            _clear(places.store, f".{folder.name}.")
            files = locate(recipe, places)
            part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=places.store))
            try:
                _write(part, recipe, list(recipe.build(files)))
                part.rename(folder)
            finally:
                shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise DataError(
            f"Store {str(places.store)!r} cannot be written ({error}); expected a folder with room. "
            "Name another one in METABENCH_HOME."
        ) from error


def _clear(store: Path, prefix: str) -> None:
    """Remove what a process that died while building has left; the lock is held, so none is at it."""
    for leftover in store.glob(f"{prefix}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _write(folder: Path, recipe: Recipe, classes: list[ClassExamples]) -> None:
    _check(recipe, classes)
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
    (folder / "index.json").write_text(json.dumps(index))


def _check(recipe: Recipe, classes: list[ClassExamples]) -> None:
    """Refuse a build in which a class stands twice or a split is empty.

    Raises:
        DataError: It is so.
    """
    names = [one.name for one in classes]
    if len(set(names)) < len(names):
        twice = next(name for name in sorted(names) if names.count(name) > 1)
        raise DataError(
            f"Dataset {recipe.name!r} has the class {twice!r} twice; expected once. Mend its recipe."
        )
    for split in SPLITS:
        if not any(one.split == split for one in classes):
            raise DataError(
                f"Dataset {recipe.name!r} has no class in {split}; expected some. Mend its recipe."
            )


def _open(folder: Path, recipe: Recipe) -> Dataset:
    try:
        index = json.loads((folder / "index.json").read_text())
        pools = {split: _open_pool(folder, split, index[split]) for split in SPLITS}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"Dataset {recipe.name!r} in {str(folder)!r} is damaged ({error}); expected what was built there. "
            "Delete that folder; it is built anew."
        ) from error
    return Dataset(recipe.name, recipe.modality, pools, index["content_hash"], index["split_hash"])


def _open_pool(folder: Path, split: Split, entry: dict[str, list[object]]) -> Pool:
    examples = np.load(folder / f"{split}.npy", mmap_mode="r")
    starts = np.array(entry["starts"], dtype=np.int64)
    if starts[-1] != len(examples):
        raise ValueError(f"{split} has {len(examples)} examples, its index {starts[-1]}")
    return Pool(examples, starts, tuple(str(name) for name in entry["class_names"]))
