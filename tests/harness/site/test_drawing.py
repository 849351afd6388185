"""Plots take their colours and text from the page, and clash with no other plot on it."""

import math
import re
from xml.etree import ElementTree

import pytest

from metabench.site.drawing import N_COLOURS, Frame, Point, Series, draw

POINTS = (Point(60.0, 70.0, 68.0, 72.0), Point(300.0, 80.0, 78.0, 82.0))
FRAME = Frame("budget", "seconds", "score in %", ticks=(60.0, 300.0))


def drawing(series: list[Series], frame: Frame = FRAME) -> ElementTree.Element:
    return ElementTree.fromstring(
        str(draw(frame, series)).replace("<svg ", '<svg xmlns:xlink="http://www.w3.org/1999/xlink" ', 1)
    )


def texts(root: ElementTree.Element) -> list[str]:
    return [one.text for one in root.iter() if one.tag.endswith("text")]


def test_ticks_and_labels_are_text_of_the_page() -> None:
    told = texts(drawing([Series(1, POINTS)]))
    assert {"60", "300", "seconds", "score in %"} <= set(told)
    assert "font-family" not in str(draw(FRAME, [Series(1, POINTS)]))


def test_every_colour_is_the_pages() -> None:
    series = [Series(number, POINTS) for number in range(N_COLOURS + 1)]
    svg = str(draw(FRAME, series))
    assert not re.search("#[0-9a-f]{6}(?![0-9a-f])", svg)
    for number in range(N_COLOURS + 1):
        assert f"var(--series-{number})" in svg
    assert "currentColor" in svg


def test_names_begin_with_that_of_the_plot() -> None:
    svg = str(draw(FRAME, [Series(1, POINTS)]))
    names = re.findall(r'\bid="([^"]*)"', svg)
    assert names
    assert all(name.startswith("budget-") for name in names)
    assert set(re.findall(r'(?:href="#|url\(#)([^")]*)', svg)) <= set(names)


def test_nothing_of_it_styles_or_tells_of_anything_else() -> None:
    svg = str(draw(FRAME, [Series(1, POINTS)]))
    assert not re.search("<style|<metadata|<script|Matplotlib|http", svg.replace("http://www.w3.org", ""))


def test_the_same_points_give_the_same_bytes_whatever_somebody_set(monkeypatch) -> None:
    import matplotlib as mpl

    first = draw(FRAME, [Series(1, POINTS)])
    monkeypatch.setitem(mpl.rcParams, "font.size", 30.0)
    monkeypatch.setitem(mpl.rcParams, "axes.grid", True)
    assert draw(FRAME, [Series(1, POINTS)]) == first


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e10])
@pytest.mark.parametrize("place", range(4))
def test_a_point_that_no_one_measured_is_not_drawn(value: float, place: int) -> None:
    told = [60.0, 70.0, 68.0, 72.0]
    assert Point(*told).can_be_drawn
    told[place] = value
    assert not Point(*told).can_be_drawn


@pytest.mark.parametrize("x", [0.0, -1.0, 5e-324])
def test_a_logarithmic_axis_takes_nothing_at_or_close_to_zero(x: float) -> None:
    assert not Point(x, 70.0, 68.0, 72.0).can_be_drawn


@pytest.mark.parametrize("x", [1e-6, 1.0, 300.0, 1e9])
def test_a_single_point_can_be_drawn_anywhere(x: float) -> None:
    assert texts(drawing([Series(0, (Point(x, 0.0, 0.0, 0.0),))], Frame("cost", "s", "score", joined=False)))


def test_costs_that_hardly_differ_stand_close_together() -> None:
    close = (Point(296.4, 90.0, 89.0, 91.0), Point(296.8, 80.0, 79.0, 81.0))
    root = drawing([Series(number, (point,)) for number, point in enumerate(close, start=1)])
    marks = [one for one in root.iter() if one.tag.endswith("use") and "series-" in one.get("style", "")]
    across = [float(one.get("x")) for one in marks]
    assert len(across) == 2
    assert abs(across[0] - across[1]) < 2


def test_amounts_are_written_as_numbers_unless_they_span_many_decades() -> None:
    told = texts(drawing([Series(1, POINTS)], Frame("anytime", "s", "score")))
    assert {"100", "200"} <= set(told)
    wide = (Point(1.0, 1.0, 1.0, 1.0), Point(1e7, 1.0, 1.0, 1.0))
    told = texts(drawing([Series(1, wide)], Frame("anytime", "s", "score")))
    assert len([one for one in told if one]) > 4


def test_steps_hold_to_the_left_on_a_linear_axis_and_are_marked_but_at_their_ends() -> None:
    told = [(0.0, 1.0), (40.0, 1.0), (80.0, 0.5), (100.0, 0.0)]
    points = tuple(Point(x, y, y, y) for x, y in told)
    root = drawing([Series(1, points)], Frame("profile", "score", "part", steps=True))
    marks = [one for one in root.iter() if one.tag.endswith("use") and "series-1" in one.get("style", "")]
    assert len(marks) == 2
    x, y = ([float(one.get(axis)) for one in marks] for axis in "xy")
    line = next(
        one for one in root.iter() if one.get("style", "").startswith("fill: none; stroke: var(--series")
    )
    corners = [tuple(map(float, pair)) for pair in re.findall(r"[ML] ([\d.]+) ([\d.]+)", line.get("d"))]
    assert (x[0], y[1]) in corners
    assert (x[1], y[0]) not in corners
    start, end = corners[0][0], corners[-1][0]
    assert [(one - start) / (end - start) for one in x] == pytest.approx([0.4, 0.8])
