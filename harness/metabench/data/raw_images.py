"""Bringing images: a folder with a folder for each class."""

from __future__ import annotations

import warnings
from functools import partial
from typing import IO, TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from metabench.data.raw import RawClass, RawDataset, refuse
from metabench.data.recipe import SPLITS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.recipe import Split
    from metabench.errors import DataError

_GREY = frozenset({"1", "L", "LA", "La"})
_COLOUR = frozenset({"P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV", "LAB"})
# What Pillow raises for damaged images, beyond its own exceptions, which are OSErrors.
_UNREADABLE = (
    OSError,
    SyntaxError,
    ValueError,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


def read_folder(folder: Path, side: int) -> RawDataset:
    """Find the classes in a folder, or in its folders `meta_train`, `meta_val` and `meta_test`.

    Files whose names begin with a dot are left out; so are files that lie beside the folders of classes.

    Args:
        folder: The folder.
        side: Height and width that images are resized to, in pixels.

    Raises:
        DataError: A split lacks, a class has no image, or something in it is none.
    """
    classes = [(one.name, split, _images_in(one)) for split, one in _class_folders(folder)]
    is_grey = all(is_grey_image(file) for _, _, files in classes for file in files)
    return RawDataset(
        "image",
        tuple(
            RawClass(name, split, len(files), partial(_load, files, side, is_grey=is_grey))
            for name, split, files in classes
        ),
    )


def _class_folders(folder: Path) -> list[tuple[Split | None, Path]]:
    tops = _subfolders(folder)
    names = {top.name for top in tops}
    if not names & set(SPLITS):
        return [(None, top) for top in tops]
    if names != set(SPLITS):
        raise refuse(
            folder,
            f"has the folders {', '.join(sorted(names))}",
            "a folder for each class, or just meta_train, meta_val and meta_test with them, are expected",
            "Rename or add folders",
        )
    return [(split, one) for split in SPLITS for one in _subfolders(folder / split)]


def _subfolders(folder: Path) -> list[Path]:
    return sorted(one for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))


def _images_in(folder: Path) -> list[Path]:
    files = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    if not files:
        raise refuse(folder, "has no image", "one or more are expected in each class", "Delete the folder")
    for file in files:
        if not file.is_file():
            raise refuse(file, "is no file", "only images are expected in a class", "Move it elsewhere")
    return files


def is_grey_image(file: Path | IO[bytes], name: object = None) -> bool:
    """Whether an image has no colours, by its header.

    Raises:
        DataError: It is no image, or one of more than 8 bits a channel.
    """
    name = file if name is None else name
    try:
        with _bombs_refused(), Image.open(file) as image:
            mode = image.mode
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    if mode not in _GREY | _COLOUR:
        raise refuse(
            name, f"has pixels of kind {mode!r}", "8 bits a channel are expected", "Convert or delete it"
        )
    return mode in _GREY


def _load(files: Sequence[Path], side: int, *, is_grey: bool) -> NDArray[np.uint8]:
    return np.stack([decode(file, file, side, is_grey=is_grey) for file in files])


def decode(file: Path | IO[bytes], name: object, side: int, *, is_grey: bool) -> NDArray[np.uint8]:
    """Decode an image, upright and stretched to a square, on white where it is transparent.

    Args:
        file: The image.
        name: What messages call it.
        side: Height and width to resize it to, in pixels.
        is_grey: Whether to keep one channel or three.

    Returns:
        (channels, side, side).

    Raises:
        DataError: It cannot be decoded.
    """
    try:
        with _bombs_refused(), Image.open(file) as image:
            upright = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:
                upright = upright.convert("RGBA")
                white = Image.new("RGBA", upright.size, "white")
                upright = Image.alpha_composite(white, upright)
            flat = upright.convert("L" if is_grey else "RGB")
            pixels = np.asarray(flat.resize((side, side), Image.Resampling.LANCZOS))
    except _UNREADABLE as error:
        raise _unreadable(name, error) from error
    return pixels[None] if is_grey else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def _bombs_refused() -> AbstractContextManager[object]:
    """An image that would fill the memory is an error, not a warning."""
    return warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning)


def _unreadable(name: object, error: BaseException) -> DataError:
    reason = str(error).partition(" <")[0].partition(" '/")[0]  # Pillow goes on with addresses and paths
    return refuse(
        name, f"cannot be read ({reason})", "an image is expected", "Mend or delete it, and import again"
    )
