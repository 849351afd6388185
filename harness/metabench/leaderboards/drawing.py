"""Plots as files: the same numbers give the same bytes, and foreign text is nothing but text."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMATS = (".png", ".svg")
# Of two colours that the colour-blind can tell apart.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"
# A name with dollars in it is no mathematics.
_STYLE: Any = {"text.parse_math": False, "svg.hashsalt": "metabench", "svg.fonttype": "none"}
_DPI = 150
# A picture that is higher than this has too many pixels for its format.
_MOST_INCHES = 200.0


@contextmanager
def drawn(width: float, height: float) -> Iterator[Figure]:
    """A figure to draw in, of so many inches, whatever anybody has set for plots of their own."""
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; that is no error.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield Figure(figsize=(width, min(height, _MOST_INCHES)), layout="constrained")


def written(figure: Figure, suffix: str) -> bytes:
    """The content of a file, within `drawn`.

    Args:
        figure: What is drawn.
        suffix: One of `FORMATS`.
    """
    if figure.get_layout_engine() is not None:
        # Everything finds its place once, not again for each format.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    file = io.BytesIO()
    # Whatever tells the time or the version of a library is left out.
    metadata = {"Date": None} if suffix == ".svg" else {"Software": None}
    figure.savefig(file, format=suffix.removeprefix("."), metadata=metadata, dpi=_DPI)
    return file.getvalue()
