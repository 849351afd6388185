"""The store: each dataset decoded once into contiguous arrays that are mapped into memory.

A dataset is built in a folder of its own and moved into place whole, under a lock that goes with the
process: two processes may ask for one dataset at once, and a crash leaves nothing half-made.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from metabench.data.dataset import Dataset, Pool, class_digest, classes_of, combine_digests, split_digest
from metabench.data.recipe import SPLITS
from metabench.data.sources import locate
from metabench.data.texts import Texts
from metabench.data.writer import INDEX, examples_file, offsets_file, write_dataset
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.places import Places
    from metabench.data.recipe import ClassExamples, Modality, Recipe, Split

FORMAT = 2
_BUILT_ANEW = "Delete that folder; it is built anew."
# What decodes examples: another version may decode to other bytes, so it builds its own copy.
_DECODERS = ("pillow", "matplotlib", "numpy")


def open_dataset(recipe: Recipe, places: Places) -> Dataset:
    """Open a dataset, building it first where it is not in the store.

    Raises:
        DataUnavailableError: It must be built, and a file of it is not on this machine.
        DataError: A file is damaged, the recipe gives nonsense, or the store cannot be written.
    """
    folder = _folder(recipe, places)
    try:
        if not (folder / INDEX).is_file():
            _build_into(folder, recipe, places)
    except OSError as error:
        raise DataError(
            f"Store {str(places.store)!r} cannot be written ({error}); expected a folder with room. "
            "Name another one in METABENCH_HOME."
        ) from error
    return open_folder(folder, recipe)


def open_built(recipe: Recipe, places: Places) -> Dataset | None:
    """Open a dataset if it is in the store, or say None; nothing is built or read through.

    Raises:
        DataError: It is damaged, as far as can be seen at once.
    """
    folder = _folder(recipe, places)
    return open_folder(folder, recipe) if (folder / INDEX).is_file() else None


def discard_built(recipe: Recipe, places: Places) -> None:
    """Take a dataset out of the store, so that it is built anew when it is opened next."""
    with suppress(OSError), FileLock(places.store / f"{_folder(recipe, places).name}.lock"):
        shutil.rmtree(_folder(recipe, places))


def verify_built(recipe: Recipe, places: Places) -> Dataset | None:
    """Open a dataset if it is in the store, and hash all that is in it.

    Raises:
        DataError: It is damaged.
    """
    dataset = open_built(recipe, places)
    if dataset is not None:
        verify(dataset, _folder(recipe, places))
    return dataset


def _folder(recipe: Recipe, places: Places) -> Path:
    return places.store / f"{recipe.name}-{_key(recipe)}"


def _key(recipe: Recipe) -> str:
    told = json.dumps([FORMAT, recipe.name, recipe.content_hash, _decoder_versions()], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


@cache
def _decoder_versions() -> dict[str, str]:
    """Asked once, as reading a package's metadata takes longer than opening a dataset."""
    return {name: version(name) for name in _DECODERS}


def _build_into(folder: Path, recipe: Recipe, places: Places) -> None:
    places.store.mkdir(parents=True, exist_ok=True)
    with FileLock(places.store / f"{folder.name}.lock"):
        if (folder / INDEX).is_file():
            return
        part = places.store / f".{folder.name}.part"
        # What a process that died has left; the lock is held, so none is at it.
        for leftover in (part, folder):
            shutil.rmtree(leftover, ignore_errors=True)
        part.mkdir()
        try:
            write_dataset(part, recipe.name, recipe.modality, _decode(recipe, places))
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _decode(recipe: Recipe, places: Places) -> Iterator[ClassExamples]:
    """Build the classes; a file that cannot be read is told from a store that cannot be written."""
    files = locate(recipe, places)
    try:
        yield from recipe.build(files)
    except OSError as error:
        raise DataError(
            f"Dataset {recipe.name!r} cannot be built ({error}); expected files that can be read. "
            f"Check {', '.join(repr(str(file)) for file in files.values()) or 'its recipe'}."
        ) from error


def open_folder(folder: Path, recipe: Recipe, *, next_step: str = _BUILT_ANEW) -> Dataset:
    """Open what `write_dataset` has written.

    Args:
        folder: Where.
        recipe: What it is.
        next_step: What to do where it is damaged.

    Raises:
        DataError: It is damaged, as far as can be seen at once.
    """
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
        return Dataset(
            name=recipe.name,
            modality=recipe.modality,
            pools={split: _open_pool(folder, split, recipe.modality, index) for split in SPLITS},
            content_hash=index["content_hash"],
            split_hash=index["split_hash"],
            expected_content=recipe.content_hash in (None, index["content_hash"]),
            duplicates=tuple(index["duplicates"]),
        )
    except (OSError, ValueError, LookupError, TypeError, EOFError, OverflowError) as error:
        raise _damaged(folder, recipe.name, error, next_step) from error


def verify(dataset: Dataset, folder: Path, *, next_step: str = _BUILT_ANEW) -> None:
    """Hash all that is in a dataset, which was opened from a folder.

    Raises:
        DataError: It is damaged.
    """
    pools = dataset.pools.items()
    try:
        content = combine_digests(
            class_digest(one) for split, pool in pools for one in classes_of(pool, split)
        )
    except (ValueError, IndexError) as error:
        raise _damaged(folder, dataset.name, error, next_step) from error
    if content != dataset.content_hash:
        raise _damaged(folder, dataset.name, f"it has content {content}", next_step)
    splits = (split_digest(name, split) for split, pool in pools for name in pool.class_names)
    if combine_digests(splits) != dataset.split_hash:
        raise _damaged(folder, dataset.name, "its classes are split otherwise", next_step)


def _damaged(folder: Path, dataset: str, reason: object, next_step: str) -> DataError:
    return DataError(
        f"Dataset {dataset!r} in {str(folder)!r} is damaged ({reason}); expected what was written there. "
        f"{next_step}"
    )


def _open_pool(folder: Path, split: Split, modality: Modality, index: dict[str, Any]) -> Pool:
    """Map the examples of a split into memory.

    Raises:
        Exception: Any of those that `_open` takes for damage.
    """
    starts = np.array(index[split]["starts"], dtype=np.int64)
    names = tuple(str(name) for name in index[split]["class_names"])
    data = np.memmap(folder / examples_file(split), dtype=np.uint8, mode="r")
    examples: NDArray[np.uint8] | Texts
    if modality == "text":
        examples = Texts(data, np.load(folder / offsets_file(split), mmap_mode="r"))
        if examples.offsets[-1] != len(data):
            raise ValueError(f"{split} has {len(data)} bytes of text, its offsets {examples.offsets[-1]}")
    else:
        examples = data.reshape(-1, *index["example_shape"])
    if starts[0] != 0 or starts[-1] != len(examples) or len(starts) != len(names) + 1:
        raise ValueError(
            f"{split} has {len(examples)} examples, its index {starts[-1]} of {len(names)} classes"
        )
    return Pool(examples, starts, names)
