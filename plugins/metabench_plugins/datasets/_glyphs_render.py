"""How the classes of `glyphs` come out of font files.

FreeType draws each letter once per face at three times the final size. All that follows (the choice of
letters, the affine changes, the down-sampling) is integer arithmetic, so every machine gets the same bytes.
"""

from __future__ import annotations

import hashlib
import unicodedata
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np
from fontTools.ttLib import TTFont, TTLibError
from PIL import Image, ImageDraw, ImageFont

from metabench.data.recipe import ClassExamples
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.recipe import Split

EXAMPLES = 20  # of each class
SIDE = 28  # of an example, in pixels

# Lengths on the canvas that a letter is drawn on, in sub-pixels.
_SUB = 3  # a pixel of an example
_EM = 26 * _SUB  # the font size
_LONGEST = 24 * _SUB  # a letter longer than this is set smaller
_SHORTEST = 8 * _SUB  # a letter shorter than this is a speck at the final size
_CANVAS = 60 * _SUB  # room for the widest letter, and for every place that a change can reach

# The largest affine changes, in fixed point.
_BITS = 16
_ONE = 1 << _BITS
_TURN = _ONE * 24 // 100  # the tangent of the angle
_SLANT = _ONE * 18 // 100
_STRETCH = _ONE * 16 // 100
_SHIFT = _ONE * 2 * (2 * _SUB)  # two pixels, in half sub-pixels
_LARGEST = (_TURN, _SLANT, _STRETCH, _STRETCH, _SHIFT, _SHIFT)

# Letters whose shapes overlap by so many per cent count as one. A dot may tell two letters of a split
# apart, while a letter of meta_test must not so much as resemble one of meta_train.
_TWINS = 99
_LOOK_ALIKES = 85


@dataclass(frozen=True)
class Letter:
    """A letter of a script.

    Attributes:
        name: The class name, "<Script>/<rest of the Unicode name>".
        split: The split of the script.
        character: The letter itself.
    """

    name: str
    split: Split
    character: str


@dataclass(frozen=True)
class Face:
    """An open font file.

    Attributes:
        font: The face at the drawing size.
        characters: What it has a glyph for.
    """

    font: ImageFont.FreeTypeFont
    characters: frozenset[str]


def build(
    folder: Path, files: Sequence[str], scripts: Mapping[Split, Sequence[str]]
) -> Iterator[ClassExamples]:
    """Draw every letter of the scripts that can be told from the others.

    Args:
        folder: Where the font files lie.
        files: Their names, in the order in which the examples of a letter go round them.
        scripts: The scripts of each split, by the first words of their letters' Unicode names.

    Yields:
        The classes in the order of their names.

    Raises:
        DataError: A font file is missing or cannot be read.
    """
    faces = [open_face(folder / file) for file in files]
    letters = distinct(find_letters(faces, scripts), faces)
    for letter in sorted(letters, key=lambda letter: letter.name):
        drawings = np.stack(list(draw(letter.character, faces)))
        yield ClassExamples(letter.name, letter.split, vary(drawings, letter.name))


def open_face(path: Path) -> Face:
    """Open a font file at the drawing size.

    Raises:
        DataError: The file is missing or is no font.
    """
    try:
        # Layout.BASIC does without the text-shaping library, which not every build of Pillow has.
        font = ImageFont.truetype(path, _EM, layout_engine=ImageFont.Layout.BASIC)
        with path.open("rb") as file, TTFont(file, lazy=True) as tables:
            glyphs = tables.getBestCmap() or {}
    except (OSError, TTLibError) as error:
        message = f"Font {path.name!r} cannot be read ({error}); a TrueType file is expected"
        raise DataError(f"{message} in {str(path.parent)!r}. Install matplotlib again.") from error
    return Face(font, frozenset(chr(code) for code, glyph in glyphs.items() if glyph != ".notdef"))


def find_letters(faces: Iterable[Face], scripts: Mapping[Split, Sequence[str]]) -> list[Letter]:
    """Pick the letters of the scripts, script by script, each in the order of the code points.

    Left out are modifier letters (small copies of other letters) and whatever Unicode decomposes: a
    letter with a mark, a ligature, a restyled or presentation form of another letter.
    """
    every = sorted(frozenset[str]().union(*(face.characters for face in faces)))
    plain = [c for c in every if unicodedata.category(c) in {"Lu", "Ll", "Lo"}]
    plain = [c for c in plain if not unicodedata.decomposition(c)]
    return [
        Letter(f"{script}/{rest}".replace(" ", "_"), split, character)
        for split, members in scripts.items()
        for script in members
        for character, rest in _members(script, plain)
    ]


def _members(script: str, characters: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield the characters of a script, each with what follows the script in its Unicode name."""
    prefix = f"{script.upper()} "
    for character in characters:
        name = unicodedata.name(character, "")
        if name.startswith(prefix):
            yield character, name.removeprefix(prefix).lower()


def distinct(letters: Iterable[Letter], faces: Sequence[Face]) -> Iterator[Letter]:
    """Yield the letters that look like no letter yielded before, by their drawings in the first face."""
    drawings = {letter: first for letter in letters for first in islice(draw(letter.character, faces), 1)}
    splits = np.array([letter.split for letter in drawings])
    limits = np.where(splits == splits[:, None], _TWINS, _LOOK_ALIKES)
    alike = _alike(np.stack(list(drawings.values())), limits)
    kept = np.zeros(len(drawings), dtype=bool)
    for i, letter in enumerate(drawings):
        kept[i] = not np.any(alike[i] & kept)
        if kept[i]:
            yield letter


def _alike(drawings: NDArray[np.uint8], limits: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Compare drawings with one another.

    Args:
        drawings: (n, canvas, canvas).
        limits: (n, n), in per cent.

    Returns:
        (n, n): whether the ink that two drawings share is at least so much of the ink of both.
    """
    margin = (_CANVAS - SIDE * _SUB) // 2
    # Whole numbers far below 2**53: exact in whatever order a BLAS adds them.
    shapes = _pool(drawings[:, margin:-margin, margin:-margin]).reshape(len(drawings), -1).astype(np.float64)
    shared = shapes @ shapes.T
    own = shared.diagonal()
    return np.asarray(100 * shared >= limits * (own + own[:, None] - shared))


def draw(character: str, faces: Iterable[Face]) -> Iterator[NDArray[np.uint8]]:
    """Draw a letter in each face that has it, upright and centred: (canvas, canvas), ink 255 on 0."""
    for face in faces:
        ink = _ink(character, face.font) if character in face.characters else None
        if ink is None or max(ink.size) < _SHORTEST:
            continue
        if max(ink.size) > _LONGEST:
            fitting = face.font.font_variant(size=_EM * _LONGEST // max(ink.size))
            ink = _ink(character, fitting) or ink
        canvas = Image.new("L", (_CANVAS, _CANVAS))
        canvas.paste(ink, ((_CANVAS - ink.width) // 2, (_CANVAS - ink.height) // 2))
        yield np.asarray(canvas)


def _ink(character: str, font: ImageFont.FreeTypeFont) -> Image.Image | None:
    """Draw a letter, cut to the box of its ink; None where the glyph is blank."""
    image = Image.new("L", (_CANVAS, _CANVAS))
    middle = (_CANVAS // 2, _CANVAS // 2)
    ImageDraw.Draw(image).text(middle, character, fill=255, font=font, anchor="mm")
    box = image.getbbox()
    return image.crop(box) if box else None


def vary(drawings: NDArray[np.uint8], name: str) -> NDArray[np.uint8]:
    """Make the examples of a class: its drawings in turn, each turned, slanted, stretched and moved a little.

    Args:
        drawings: (faces, canvas, canvas).
        name: Of the class; it seeds the changes.

    Returns:
        (20, 1, 28, 28).
    """
    turn, slant, widen, heighten, right, down = _changes(name)
    # Counted from the middle in half sub-pixels, the centres of the sub-pixels are whole numbers.
    x = np.arange(1 - SIDE * _SUB, SIDE * _SUB, 2)
    y = x[:, None]
    column = (_ONE + widen) * x + (slant - turn) * y + right
    row = turn * x + (_ONE + heighten) * y + down
    face = np.arange(EXAMPLES)[:, None, None] % len(drawings)
    fine = drawings[face, _on_canvas(row), _on_canvas(column)]
    return ((_pool(fine) + _SUB**2 // 2) // _SUB**2).astype(np.uint8)[:, None]


def _on_canvas(place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Turn fixed-point half sub-pixels from the middle into an index of the canvas."""
    return (place >> (_BITS + 1)) + _CANVAS // 2


def _pool(fine: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Add up the sub-pixels of each pixel: (n, 84, 84) to (n, 28, 28)."""
    pixels: NDArray[np.int64] = fine.reshape(-1, SIDE, _SUB, SIDE, _SUB).sum(axis=(2, 4), dtype=np.int64)
    return pixels


def _changes(name: str) -> NDArray[np.int64]:
    """Draw the affine changes of a class's examples.

    Returns:
        (6, 20, 1, 1): for each kind of change and example an integer from minus to plus the largest.
    """
    key = int.from_bytes(hashlib.sha256(name.encode()).digest()[:16], "little")
    # random_raw is fixed for ever; the distributions built on it may change with numpy.
    raw = np.random.Philox(key=key).random_raw(len(_LARGEST) * EXAMPLES)
    top = (raw >> np.uint64(32)).astype(np.int64).reshape(len(_LARGEST), EXAMPLES, 1, 1)
    largest = np.array(_LARGEST).reshape(-1, 1, 1, 1)
    changes: NDArray[np.int64] = (top * (2 * largest + 1) >> 32) - largest
    return changes
