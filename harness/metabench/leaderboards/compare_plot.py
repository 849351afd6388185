"""The difference of two results as a plot: how it spreads over episodes, and over classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards import text
from metabench.leaderboards.compare import most_different
from metabench.leaderboards.drawing import BLUE, GREY, ORANGE, drawn, written

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from metabench.leaderboards.compare import PairedResults

# Odd, so that one bin has zero in its middle.
_N_BINS = 31
_WIDTH_INCHES, _CLASS_INCHES = 10.0, 0.22
_LEAST_HEIGHT_INCHES = 4.0
_LONGEST_CLASS = 28


def plot(paired: PairedResults, suffix: str, *, n_each_way: int | None) -> bytes:
    """Draw per-episode differences beside those of classes.

    Args:
        paired: The results.
        suffix: Of the format, e.g. ".svg".
        n_each_way: Classes to show from both ends; None: all.

    Returns:
        The content of a file, the same at every call.
    """
    n_classes = len(paired.classes) if n_each_way is None else min(len(paired.classes), 2 * n_each_way)
    height = max(1.5 + _CLASS_INCHES * n_classes, _LEAST_HEIGHT_INCHES)
    with drawn(_WIDTH_INCHES, height) as figure:
        episodes, classes = figure.subplots(1, 2)
        figure.suptitle(
            "\n".join(f"{letter}: {text.name(one)}" for letter, one in zip("AB", paired.names, strict=True))
        )
        _draw_episodes(episodes, paired)
        _draw_classes(classes, paired, n_each_way or n_classes)
        return written(figure, suffix)


def _draw_episodes(axes: Axes, paired: PairedResults) -> None:
    """A histogram, with the mean and its interval."""
    factor = _factor(paired)
    differences = factor * paired.differences
    largest = float(np.abs(differences).max()) or factor
    counts, edges = np.histogram(differences, bins=np.linspace(-largest, largest, _N_BINS + 1))
    middles = (edges[:-1] + edges[1:]) / 2
    colours = [_colour(side) for side in np.sign(np.arange(_N_BINS) - _N_BINS // 2)]
    axes.bar(middles, counts, width=float(edges[1] - edges[0]), color=colours)
    told = paired.metrics[0].paired.difference
    if np.isfinite([told.low, told.high]).all():
        axes.axvspan(factor * told.low, factor * told.high, color="black", alpha=0.2, label="95 % interval")
    axes.axvline(factor * told.mean, color="black", linewidth=1, label="mean")
    axes.set(xlabel=_label(paired), ylabel="episodes")
    axes.set_title(f"{text.name(paired.benchmark)}, {len(differences)} episodes")
    axes.legend(frameon=False)


def _draw_classes(axes: Axes, paired: PairedResults, n_each_way: int) -> None:
    ahead, behind = most_different(paired.classes, n_each_way)
    shown = [*ahead, *behind]
    values = [_factor(paired) * one.difference for one in shown]
    axes.barh(range(len(shown)), values, color=[_colour(np.sign(value)) for value in values])
    axes.set_yticks(range(len(shown)), [_class_name(one.name) for one in shown])
    axes.invert_yaxis()
    axes.axvline(0, color="black", linewidth=0.6)
    title = f"{len(shown)} of {len(paired.classes)} classes" if paired.classes else "classes are not named"
    axes.set(xlabel=_label(paired), title=title)


def _factor(paired: PairedResults) -> float:
    return 100.0 if paired.metrics[0].metric.as_percent else 1.0


def _label(paired: PairedResults) -> str:
    metric = paired.metrics[0].metric
    return f"A − B: {text.name(metric.title)}{' in %' if metric.as_percent else ''}"


def _colour(side: float) -> str:
    return {-1: ORANGE, 0: GREY, 1: BLUE}[int(side)]


def _class_name(name: str) -> str:
    """The end of a long name, as names of classes begin with the same words."""
    safe = text.printable(name[-2 * _LONGEST_CLASS :])
    return safe if len(safe) <= _LONGEST_CLASS else f"…{safe[1 - _LONGEST_CLASS :]}"
