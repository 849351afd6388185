"""Plots as files: the same numbers give the same bytes, and foreign text is nothing but text."""

from __future__ import annotations

import io
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from matplotlib import style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matplotlib.axes import Axes

FORMATS = (".png", ".svg")
# Of two colours that the colour-blind can tell apart.
BLUE, ORANGE, GREY = "#0072b2", "#d55e00", "#999999"
# A name with dollars in it is no mathematics.
_STYLE: Any = {"text.parse_math": False, "svg.hashsalt": "metabench", "svg.fonttype": "none"}
_DPI = 150
# Between names and what they name, as a share of its width.
_GAP = 0.01
# A picture that is higher than this has too many pixels for its format.
_MOST_INCHES = 200.0


@contextmanager
def drawn(width: float, height: float) -> Iterator[Figure]:
    """A figure to draw in, of so many inches, whatever anybody has set for plots of their own."""
    with style.context(["default", _STYLE]), warnings.catch_warnings():
        # A script that the font lacks is drawn as boxes; that is no error.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        yield Figure(figsize=(width, min(height, _MOST_INCHES)), dpi=_DPI, layout="constrained")


def written(figure: Figure, suffix: str) -> bytes:
    """The content of a file, within `drawn`.

    Args:
        figure: What is drawn.
        suffix: One of `FORMATS`.
    """
    if isinstance(figure.get_layout_engine(), ConstrainedLayoutEngine):
        # Everything finds its place once, not again for each format.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
    file = io.BytesIO()
    # `savefig` would draw everything twice. Whatever tells the time or the version of a library is left out.
    canvas: Any = FigureCanvasSVG(figure) if suffix == ".svg" else FigureCanvasAgg(figure)
    if suffix == ".svg":
        canvas.print_svg(file, metadata={"Date": None})
    else:
        canvas.print_png(file, metadata={"Software": None})
    return file.getvalue()


def name_rows(axes: Axes, names: Sequence[str]) -> None:
    """Name what is drawn at 0, 1, … from the top; hundreds of ticks would take longer than all else."""
    axes.set_yticks([])
    for place, name in enumerate(names):
        axes.text(-_GAP, place, name, transform=axes.get_yaxis_transform(), ha="right", va="center")
    axes.invert_yaxis()
