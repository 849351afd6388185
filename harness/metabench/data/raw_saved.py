"""Bringing a folder that the `datasets` library has saved (`save_to_disk`)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from metabench.data.raw import RawClass, RawDataset, refuse
from metabench.data.raw_images import decode, is_grey_image
from metabench.data.raw_texts import check_rows, group
from metabench.data.recipe import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.recipe import Split

_MARKS = ("dataset_dict.json", "dataset_info.json")


def is_saved(folder: Path) -> bool:
    """Whether the `datasets` library has saved something there."""
    return any((folder / mark).is_file() for mark in _MARKS)


def read_saved(folder: Path, side: int) -> RawDataset:
    """Read what was saved: parts named after the splits are splits, all other parts are put together.

    Args:
        folder: Where it was saved; columns `image` or `text`, and `label`.
        side: Height and width that images are resized to, in pixels.

    Raises:
        DataError: It cannot be read, lacks a column, or has a row that is no example.
    """
    parts = _load_parts(folder)
    columns = set.intersection(*(set(part.column_names) for part in parts.values()))
    if "label" not in columns or not columns & {"image", "text"}:
        raise refuse(
            folder,
            f"has the columns {', '.join(sorted(columns)) or 'none'}",
            "'label' and 'image' or 'text' are expected",
            "Rename its columns",
        )
    if "image" in columns:
        return _read_images(folder, parts, side)
    return group(check_rows(folder, _rows(parts)), folder)


def _load_parts(folder: Path) -> dict[Split | None, Any]:
    """The saved tables by their splits; by None where they are not named after splits."""
    import datasets  # noqa: PLC0415 - loads slowly
    import pyarrow as pa  # noqa: PLC0415

    try:
        saved = datasets.load_from_disk(str(folder))
    except (OSError, ValueError, LookupError, TypeError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise refuse(
            folder,
            f"cannot be read ({reason})",
            "a folder that `save_to_disk` has written is expected",
            "Save it again",
        ) from error
    if not isinstance(saved, dict):
        return {None: saved}
    if set(saved) == set(SPLITS):
        return {split: saved[split] for split in SPLITS}
    return {None: datasets.concatenate_datasets(list(saved.values()))}


def _rows(parts: dict[Split | None, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for split, part in parts.items():
        names = part["id"] if "id" in part.column_names else [None] * len(part)
        rows = zip(part["text"], _labels(part), names, strict=True)
        for number, (text, label, name) in enumerate(rows):
            yield _place(split, number), {"text": text, "label": label, "id": name, "split": split}


def _labels(part: Any) -> list[Any]:
    """The labels of a table, by name where it knows their names; None where there is none."""
    names = getattr(part.features["label"], "names", None)
    if names is None:
        return list(part["label"])
    return [None if label is None or label < 0 else names[label] for label in part["label"]]


def _place(split: Split | None, number: int) -> str:
    return f"row {number}" if split is None else f"row {number} of {split}"


@dataclass(frozen=True)
class _Images:
    """The images of a table, not yet decoded.

    Attributes:
        folder: Where it was saved.
        split: Its split, if it has one.
        files: Has a column `image` of file contents.
    """

    folder: Path
    split: Split | None
    files: Any

    def open(self, number: int) -> tuple[BytesIO, str]:
        """The image file in a row, and what messages call it.

        Raises:
            DataError: There is none. A row may name a file instead, but what lies elsewhere on this
                machine is none of its business.
        """
        content = (self.files[number]["image"] or {}).get("bytes")
        place = _place(self.split, number)
        if content is None:
            raise refuse(
                self.folder, f"has no image in {place}", "one in the row itself is expected", "Mend it"
            )
        return BytesIO(content), f"{self.folder}, {place}"

    def load(self, numbers: list[int], side: int, *, is_grey: bool) -> NDArray[np.uint8]:
        """Decode the images in some rows: (n_images, channels, side, side)."""
        opened = map(self.open, numbers)
        return np.stack([decode(image, name, side, is_grey=is_grey) for image, name in opened])


def _read_images(folder: Path, parts: dict[Split | None, Any], side: int) -> RawDataset:
    import datasets  # noqa: PLC0415 - loads slowly

    rows: dict[tuple[str, Split | None], list[int]] = {}
    images: dict[Split | None, _Images] = {}
    is_grey = True
    for split, part in parts.items():
        if not isinstance(part.features["image"], datasets.Image):
            raise refuse(folder, "has no images in 'image'", "the type Image is expected", "Cast the column")
        files = part.select_columns(["image"]).cast_column("image", datasets.Image(decode=False))
        images[split] = _Images(folder, split, files)
        for number, label in enumerate(_labels(part)):
            if label is None or not str(label).strip():
                got = f"has no label in {_place(split, number)}"
                raise refuse(folder, got, "the name of a class is expected", "Mend it")
            rows.setdefault((str(label), split), []).append(number)
            is_grey = is_grey_image(*images[split].open(number)) and is_grey
    return RawDataset(
        "image",
        tuple(
            RawClass(label, split, len(numbers), partial(images[split].load, numbers, side, is_grey=is_grey))
            for (label, split), numbers in rows.items()
        ),
    )
