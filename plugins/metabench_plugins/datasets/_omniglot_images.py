"""How the classes of `omniglot` and `omniglot-lake` come out of the two archives."""

from __future__ import annotations

import io
import json
import re
import struct
import zlib
from typing import TYPE_CHECKING, cast

import numpy as np
from PIL import Image

from metabench.data.archive import read_members
from metabench.data.recipe import SPLITS, ClassExamples
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.recipe import Split

DRAWINGS = 20  # of each character, one by each of twenty people
SCAN_SIDE = 105  # of a drawing as published, in pixels
SIDE = 28  # of an example, in pixels

_DRAWING = re.compile(r"images_(?:background|evaluation)/(?P<character>[^/]+/character\d\d)/\d{4}_\d\d\.png")
_MAX_DRAWING_BYTES = 2**16  # a drawing takes about 250 bytes
# What Pillow raises for damaged images.
_UNREADABLE = (OSError, SyntaxError, ValueError, struct.error, zlib.error, Image.DecompressionBombError)


def build(archives: Iterable[Path], split_file: Path) -> Iterator[ClassExamples]:
    """Read the drawings and turn them.

    Args:
        archives: images_background.zip and images_evaluation.zip.
        split_file: Split to alphabet to numbers of characters.

    Yields:
        "<Alphabet>/characterNN/rotRRR" in the order of the names, RRR degrees to the left, each with its
        drawings in the order of their file names: (20, 1, 28, 28).

    Raises:
        DataError: An archive or a drawing cannot be read, or a character has not its twenty drawings.
    """
    for upright in build_upright(archives, split_file):
        for quarter in range(4):
            turned = np.ascontiguousarray(np.rot90(upright.examples, quarter, axes=(2, 3)))
            yield ClassExamples(f"{upright.name}/rot{90 * quarter:03d}", upright.split, turned)


def build_upright(archives: Iterable[Path], split_file: Path) -> Iterator[ClassExamples]:
    """Read the drawings as they are: `build` without rotations, classes "<Alphabet>/characterNN"."""
    drawings = collect(archives)
    for character, split in sorted(read_split(split_file).items()):
        yield ClassExamples(character, split, decode_character(character, drawings.get(character, {})))


def read_split(split_file: Path) -> dict[str, Split]:
    """Give each character, e.g. "Bengali/character01", its split."""
    splits = cast("dict[Split, dict[str, list[int]]]", json.loads(split_file.read_text(encoding="utf-8")))
    return {
        f"{alphabet}/character{number:02d}": split
        for split in SPLITS
        for alphabet, numbers in splits[split].items()
        for number in numbers
    }


def collect(archives: Iterable[Path]) -> dict[str, dict[str, bytes]]:
    """Read the drawings of all archives: character to file name to PNG file."""
    drawings: dict[str, dict[str, bytes]] = {}
    for archive in archives:
        for name, png in read_members(archive, ".png", max_member_bytes=_MAX_DRAWING_BYTES):
            if place := _DRAWING.fullmatch(name):
                drawings.setdefault(place["character"], {})[name] = png
    return drawings


def decode_character(character: str, drawings: Mapping[str, bytes]) -> NDArray[np.uint8]:
    """Decode the drawings of a character, sorted by file name: (20, 1, 28, 28), ink 255 on 0."""
    if len(drawings) != DRAWINGS:
        message = f"Character {character!r} has {len(drawings)} drawings; {DRAWINGS} are expected."
        raise DataError(f"{message} Fetch 'images_background.zip' and 'images_evaluation.zip' again.")
    return shrink(np.stack([decode_drawing(name, png) for name, png in sorted(drawings.items())]))


def decode_drawing(name: str, png: bytes) -> NDArray[np.bool_]:
    """Decode a PNG file: (105, 105), true where there is ink.

    Raises:
        DataError: The file is not a PNG image of 105 by 105 pixels.
    """
    try:
        return _read_ink(png)
    except _UNREADABLE as error:
        reason = str(error).partition(" <")[0]  # Pillow goes on with the address of the buffer
        message = f"Drawing {name!r} cannot be used ({reason}); a PNG image of 105x105 pixels is expected."
        raise DataError(f"{message} Fetch its archive again.") from error


def _read_ink(png: bytes) -> NDArray[np.bool_]:
    """Decode a PNG file, or raise one of the exceptions of Pillow."""
    with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
        # The header is checked before the pixels are decoded: a false one must not fill the memory.
        if image.size != (SCAN_SIDE, SCAN_SIDE):
            raise ValueError(f"{image.width}x{image.height} pixels")
        return np.asarray(image.convert("L")) < 128


def shrink(ink: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Average the ink over the area of each new pixel.

    Args:
        ink: (n, 105, 105).

    Returns:
        (n, 1, 28, 28), 255 where all is ink.
    """
    # 105 to 28 is as 15 to 4: along a side, a new pixel covers fifteen quarters of published pixels.
    quarters = np.repeat(np.eye(SIDE, dtype=np.float32), 15, axis=1)
    shares = quarters.reshape(SIDE, SCAN_SIDE, 4).sum(axis=2)
    # Whole numbers up to 15 * 15: exact in floating point, in whatever order a BLAS adds them.
    covered = (shares @ ink.astype(np.float32) @ shares.T).astype(np.int64)
    pixels: NDArray[np.uint8] = ((covered * 255 + 112) // 225).astype(np.uint8)
    return pixels[:, None]
