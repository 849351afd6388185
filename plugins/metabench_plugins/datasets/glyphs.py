"""Dataset `glyphs`: letters of fifteen scripts, drawn from the font files that matplotlib ships.

It needs no download. No script stands in two splits, and scripts that share letter shapes (Latin,
Greek, Cyrillic and their kin) stand together in meta_train.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe
from metabench.errors import DataError
from metabench.hooks import hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples, Split

# Each script by the first words of its letters' Unicode names.
SCRIPTS: Mapping[Split, tuple[str, ...]] = MappingProxyType(
    {
        "meta_train": (
            "Latin",
            "Greek",
            "Cyrillic",
            "Coptic",
            "Old Italic",
            "Lisu",
            "Armenian",
            "Tifinagh",
            "Canadian Syllabics",
        ),
        "meta_val": ("Georgian", "Lao", "Ogham"),
        "meta_test": ("Arabic", "Hebrew", "NKo"),
    }
)

# Named one by one, so that a font added to a later matplotlib does not change the dataset.
FACES = (
    "DejaVuSans.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSans-BoldOblique.ttf",
    "DejaVuSerif.ttf",
    "DejaVuSerif-Bold.ttf",
    "DejaVuSerif-Italic.ttf",
    "DejaVuSerif-BoldItalic.ttf",
    "DejaVuSansMono.ttf",
    "DejaVuSansMono-Bold.ttf",
    "DejaVuSansMono-Oblique.ttf",
    "DejaVuSansMono-BoldOblique.ttf",
    "STIXGeneral.ttf",
    "STIXGeneralBol.ttf",
    "STIXGeneralItalic.ttf",
    "STIXGeneralBolIta.ttf",
)


def build(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Draw the classes, each with 20 examples, (20, 1, 28, 28), grey ink (255) on nothing (0)."""
    from metabench_plugins.datasets import _glyphs_render  # noqa: PLC0415 - listing datasets draws nothing

    return _glyphs_render.build(font_folder(), FACES, SCRIPTS)


def font_folder() -> Path:
    """Find the fonts of matplotlib without importing it, which would set up a plotting library.

    Raises:
        DataError: matplotlib is not installed.
    """
    package = importlib.util.find_spec("matplotlib")
    if package is None or package.origin is None:
        message = "Package 'matplotlib' is not installed; its fonts are expected for dataset 'glyphs'."
        raise DataError(f"{message} Install matplotlib.")
    return Path(package.origin).parent / "mpl-data" / "fonts" / "ttf"


GLYPHS = Recipe(
    name="glyphs",
    title="Letters of 15 scripts in the fonts of matplotlib, 28x28 grey; embedded, split by script",
    modality="image",
    backbone="conv4",
    licence="Bitstream Vera and Arev font licences (DejaVu); SIL Open Font License 1.1 (STIX)",
    citation="DejaVu fonts, https://dejavu-fonts.github.io; STIX fonts, https://www.stixfonts.org",
    sources=(),
    content_hash="35da980aee1ec83687d50220e1d81e6d9c78d4750fc55c0504f3300987194496",
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `glyphs`."""
    return [GLYPHS]
