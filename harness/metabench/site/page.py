"""Pages as data: what stands on them, for templates to lay out.

All text in it is plain text: the templates escape it. Only the SVG of a plot is markup, of our own making.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from markupsafe import Markup

Tone = Literal["", "good", "bad", "quiet", "name"]


@dataclass(frozen=True)
class Link:
    """A way to another file of the site.

    Attributes:
        text: What is shown.
        href: Relative to the page.
    """

    text: str
    href: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table.

    Attributes:
        text: What is shown, before the links.
        order: What its column is sorted by, where that is not the text.
        links: Shown after the text.
        tone: How it looks.
    """

    text: str
    order: float | None = None
    links: tuple[Link, ...] = ()
    tone: Tone = ""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        is_number: Its cells are numbers, which stand to the right.
        above: A heading above the heading, which leads somewhere.
    """

    title: str
    is_number: bool = False
    above: Link | None = None


@dataclass(frozen=True)
class Table:
    """A table that can be sorted and filtered.

    Attributes:
        name: Of the table on its page, for links and scripts.
        caption: What it shows, for those who do not see it.
        columns: From the left.
        rows: A cell for each column.
    """

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class Fact:
    """A name and what it is."""

    name: str
    value: str
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Facts:
    """Facts of one kind, under a heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class Plot:
    """A plot.

    Attributes:
        title: Its heading.
        svg: To stand in the page, without foreign text.
        about: What it shows and how to read it.
    """

    title: str
    svg: Markup
    about: str


@dataclass(frozen=True)
class LegendEntry:
    """A method as plots show it: by the colour and marker of its number, from 1; 0 stands for all others."""

    number: int
    link: Link


@dataclass(frozen=True)
class Versus:
    """One method against another.

    Attributes:
        text: The difference between their means.
        tone: "good" where the method of the row is significantly better, "bad" where it is worse.
        about: The p-value, in words.
    """

    text: str
    tone: Tone
    about: str


@dataclass(frozen=True)
class Matrix:
    """Every method against every other.

    Attributes:
        methods: Of the rows, and in the same order of the columns.
        rows: The method of the row against those of the columns; None against itself.
        about: How to read it.
    """

    methods: tuple[Link, ...]
    rows: tuple[tuple[Versus | None, ...], ...]
    about: str


@dataclass(frozen=True)
class Mark:
    """A place on an axis: what stands there, and where in % of the axis from the left."""

    text: str
    at: float


@dataclass(frozen=True)
class Span:
    """A part of an axis: what it shows, and where it starts and ends in % of the axis from the left."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class RankDiagram:
    """Average ranks on an axis, a line for each method, and which of them cannot be told apart.

    Attributes:
        ticks: Of the axis.
        critical: The critical difference, as long as it is.
        methods: The best first.
        groups: From the first to the last of methods that cannot be told apart.
        about: How to read it.
    """

    ticks: tuple[Mark, ...]
    critical: Span
    methods: tuple[Mark, ...]
    groups: tuple[Span, ...]
    about: str


@dataclass(frozen=True)
class Profile:
    """On which part of the benchmarks methods score at least so much.

    Attributes:
        plot: Of the methods in the legend.
        legend: A colour and marker for each.
        table: The same in numbers.
    """

    plot: Plot
    legend: tuple[LegendEntry, ...]
    table: Table


@dataclass(frozen=True)
class Section:
    """A part of the overview: methods across the benchmarks of one set of rules.

    Attributes:
        name: Of the section on the page, for links.
        title: Its heading, with the rules in few words.
        rules: The same in full.
        verdict: What the ranks are worth.
        table: How the methods fared.
        explanations: How to read the table.
        others: Leaderboards that are summed up and have no column in the table.
        ranks: None where fewer than two methods are ranked.
        profile: None where scores of the benchmarks cannot be put on one scale.
    """

    name: str
    title: str
    rules: str
    verdict: str
    table: Table
    explanations: tuple[str, ...]
    others: tuple[Link, ...]
    ranks: RankDiagram | None
    profile: Profile | None


@dataclass(frozen=True)
class OverviewPage:
    """The first page.

    Attributes:
        summary: What there is, in a sentence.
        boards: A row for each leaderboard.
        about: How to read them.
        sections: Methods across benchmarks.
        more_sections: That there are others; "" if all are shown.
        apart: Results that stand on no leaderboard.
        more_apart: That there are others; "" if all are named.
        problems: What could not be read, a line each.
    """

    summary: str
    boards: Table
    about: tuple[str, ...]
    sections: tuple[Section, ...]
    more_sections: str
    apart: tuple[Link, ...]
    more_apart: str
    problems: tuple[str, ...]


@dataclass(frozen=True)
class BoardPage:
    """One leaderboard, or a part of a long one.

    Attributes:
        title: Of the benchmark.
        subtitle: What is measured.
        rules: A line each.
        table: How the methods fared.
        costs: What they took.
        notes: What rows say besides.
        explanations: How to read the table.
        legend: Of the plots.
        plots: None on later parts.
        matrix: None where fewer than two methods are ranked, and on later parts.
        facts: About the benchmark.
        others: Leaderboards of the same benchmark.
        parts: Of a long leaderboard; empty where there is one.
        downloads: The same in other formats.
    """

    title: str
    subtitle: str
    rules: tuple[str, ...]
    table: Table
    costs: Table
    notes: tuple[str, ...]
    explanations: tuple[str, ...]
    legend: tuple[LegendEntry, ...]
    plots: tuple[Plot, ...]
    matrix: Matrix | None
    facts: Facts
    others: tuple[Link, ...]
    parts: tuple[Link, ...]
    downloads: tuple[Link, ...]


@dataclass(frozen=True)
class Curve:
    """How the score grew with the budget, as coordinates within a box of 100 by 40.

    Attributes:
        line: Points of the means, as SVG writes them.
        band: Points around the intervals.
        low: What the lower edge stands for.
        high: What the upper edge stands for.
        start: What the left edge stands for.
        end: What the right edge stands for.
    """

    line: str
    band: str
    low: str
    high: str
    start: str
    end: str


@dataclass(frozen=True)
class ResultPage:
    """One result.

    Attributes:
        title: The method and what it was tested on.
        subtitle: Under which rules.
        status: How it ended, in words.
        is_ok: It ended well.
        score: By the metric that ranks, with its interval.
        metric: That ranks.
        rank: Of its method on the leaderboard.
        board: Where it stands; None if on no leaderboard.
        siblings: Other seeds of the same method.
        problem: Why its scores cannot be used; "" if they can.
        failure: How it failed; None if it did not.
        stderr: The last that a failed run printed.
        facts: What ran, on what, what it spent …
        scores: By metric.
        curve: None where there is none to draw.
        points: Of the curve.
        command: That makes the result again, word groups that stay together.
        about_command: What else that takes, a line each.
        record: The record as a file.
    """

    title: str
    subtitle: str
    status: str
    is_ok: bool
    score: str
    metric: str
    rank: str
    board: Link | None
    siblings: tuple[Link, ...]
    problem: str
    failure: Facts | None
    stderr: str
    facts: tuple[Facts, ...]
    scores: Table
    curve: Curve | None
    points: Table
    command: tuple[str, ...]
    about_command: tuple[str, ...]
    record: Link
