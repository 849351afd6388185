"""Plots as SVG that stands in a page: its text and colours are the page's, in the light and in the dark."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from matplotlib import style
from matplotlib.ticker import FixedLocator, LogLocator, NullLocator, ScalarFormatter

from metabench.leaderboards.drawing import drawn, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

# Of the methods that plots tell apart; all others are grey.
N_COLOURS = 8
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# matplotlib knows no names of the page's colours, so that these stand for them while it draws.
_INK, _GRID, _OTHERS = "#fe0000", "#fe0001", "#fe0002"
_SERIES = tuple(f"#fe01{number:02x}" for number in range(1, N_COLOURS + 1))
_ON_PAGE = {_INK: "currentColor", _GRID: "var(--line)", _OTHERS: "var(--series-0)"} | {
    colour: f"var(--series-{number})" for number, colour in enumerate(_SERIES, start=1)
}
_STYLE: Any = {
    "axes.facecolor": "none",
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "grid.color": _GRID,
    "font.size": 10.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
}
_SIZE_INCHES = (5.0, 3.3)
# What a record claims may be anything; beyond these no axis can be drawn.
_SMALLEST, LARGEST = 1e-6, 1e9
_FEWEST_TICKS = 2
_NARROWEST = 2.0


@dataclass(frozen=True)
class Point:
    """A point of a plot, with its interval."""

    x: float
    y: float
    low: float
    high: float

    @property
    def can_be_drawn(self) -> bool:
        """All of it is a number, and of a size that something measured may have."""
        told = (self.x, self.y, self.low, self.high)
        return all(math.isfinite(one) and abs(one) <= LARGEST for one in told) and self.x >= _SMALLEST


@dataclass(frozen=True)
class Series:
    """The points of a method.

    Attributes:
        number: Of its colour and marker, from 1; 0: drawn as one of the others.
        points: From the left.
    """

    number: int
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Frame:
    """What methods are drawn in.

    Attributes:
        name: Of the plot, which no other on its page has.
        x_label: Of the axis from left to right, with its unit; no foreign text.
        y_label: Likewise.
        ticks: Of the axis from left to right; placed where they look well if none are given.
        joined: Points of a method are joined by lines; else they have bars for their intervals.
        steps: The axis is linear, and what a point tells holds from there to the left up to the point before;
            the first and the last point of a method are where it begins and ends. Else it is logarithmic.
    """

    name: str
    x_label: str
    y_label: str
    ticks: tuple[float, ...] = ()
    joined: bool = True
    steps: bool = False


def draw(frame: Frame, series: Sequence[Series]) -> Markup:
    """Draw methods.

    Args:
        frame: What they are drawn in.
        series: Of each method, the best first.
    """
    with drawn(*_SIZE_INCHES) as figure, style.context(_STYLE):
        figure.set_facecolor("none")
        axes = figure.subplots()
        # The best is drawn last, over all others.
        for one in reversed(series):
            _draw_series(axes, one, frame)
        axes.set(xlabel=frame.x_label, ylabel=frame.y_label)
        axes.grid(visible=True, linewidth=0.6)
        axes.set_axisbelow(True)
        if frame.steps:
            axes.ticklabel_format(useOffset=False)
        else:
            axes.set_xscale("log")
            _set_ticks(axes, frame.ticks)
        return _for_page(frame.name, written(figure, ".svg").decode())


def _draw_series(axes: Axes, series: Series, frame: Frame) -> None:
    is_other = not series.number
    colour = _OTHERS if is_other else _SERIES[series.number - 1]
    x, y = [one.x for one in series.points], [one.y for one in series.points]
    below = [max(one.y - one.low, 0.0) for one in series.points]
    above = [max(one.high - one.y, 0.0) for one in series.points]
    axes.errorbar(
        x,
        y,
        None if frame.joined else [below, above],
        color=colour,
        marker="." if is_other else MARKERS[series.number - 1],
        markevery=slice(1, -1) if frame.steps else None,
        linestyle="-" if frame.joined else "none",
        drawstyle="steps-pre" if frame.steps else "default",
        linewidth=1.0 if is_other else 1.6,
        elinewidth=1.2,
        markersize=5.0,
    )


def _set_ticks(axes: Axes, ticks: Sequence[float]) -> None:
    """Write amounts as plain numbers: 60, 300, 600 and not 6 × 10¹."""
    low, high = axes.get_xlim()
    if high / low < _NARROWEST:
        # Costs that hardly differ are not to look as if they did.
        middle = math.sqrt(low * high)
        low, high = axes.set_xlim(middle / math.sqrt(_NARROWEST), middle * math.sqrt(_NARROWEST))
    decades = math.log10(high / low)
    steps = (1.0, 2.0, 5.0) if decades < _FEWEST_TICKS else (1.0,)
    axes.xaxis.set_major_locator(FixedLocator(ticks) if ticks else LogLocator(subs=steps, numticks=8))
    axes.xaxis.set_minor_locator(NullLocator())
    formatter = ScalarFormatter()
    formatter.set_scientific(decades > 2 * _FEWEST_TICKS)
    axes.xaxis.set_major_formatter(formatter)


def _for_page(name: str, svg: str) -> Markup:
    """Take the drawing out of its file, and make its names those of one plot among several."""
    drawing = svg[svg.index("<svg") :]
    drawing = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', drawing, count=1)
    drawing = re.sub(r"font-family: [^;\"]*;? ?", "", drawing)
    drawing = re.sub(r'(id="|href="#|url\(#)', rf"\g<1>{name}-", drawing)
    for colour, of_page in _ON_PAGE.items():
        drawing = drawing.replace(colour, of_page)
    return Markup(drawing.strip())  # noqa: S704 - drawn here, of no foreign text
