"""Is a published table the one that its results give."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING

from metabench.errors import no_results
from metabench.leaderboards.build import build
from metabench.results.folder import read_all
from metabench.verification.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from metabench.leaderboards.renderer import Renderer
    from metabench.leaderboards.table import Leaderboard
    from metabench.scoring.metric import Metric

# Cells are padded to the widest of their column, so that one edit moves all others.
_RULE = re.compile(r"[-|: ]*")
# Numbers with all their digits, of which the last ones differ from one processor to another.
_LONG = re.compile(r"\d+\.\d{10,}(e-?\d+)?")


def check_table(table: Path, results: Path, *, renderer: Renderer, metrics: Mapping[str, Metric]) -> Finding:
    """Make a table anew from the outcomes of its results, and compare.

    All results of its benchmarks count: a row that is left out is found as one that was altered is.

    Args:
        table: A file that the renderer wrote.
        results: The folder of its results.
        renderer: Of the table's format.
        metrics: By name.

    Raises:
        UsageError: The folder has no results.
        ResultError: It cannot be read.
    """
    published = table.read_text(encoding="utf-8", errors="replace")
    stored, problems = read_all(results)
    if not stored and not problems:
        raise no_results(results)
    boards = [one for one in build(stored, metrics) if _shows(published, one, renderer)]
    n_rows = sum(len(board.rows) for board in boards)
    checked, unread = f"{n_rows} rows, made anew from {str(results)!r}", tuple(problems)
    if not boards:
        none = f"No heading in it is that of a benchmark with results in {str(results)!r}."
        return Finding(1, checked, (none,), unread)
    differences = _differences(published.splitlines(), renderer.render(boards).splitlines())
    return Finding(1, checked, tuple(differences), unread)


def _shows(published: str, board: Leaderboard, renderer: Renderer) -> bool:
    """Does a text have the heading of a board; boards of one benchmark have the same."""
    heading = renderer.render([board]).splitlines()[0]
    return heading in published.splitlines()


def _differences(published: Sequence[str], again: Sequence[str]) -> Iterator[str]:
    """What the table says where its results say something else, a sentence for each line."""
    told, expected = _plain(published), _plain(again)
    matcher = SequenceMatcher(
        None, [line for _, line in told], [line for _, line in expected], autojunk=False
    )
    for kind, start, end, other_start, other_end in matcher.get_opcodes():
        if kind == "equal":
            continue
        at = told[min(start, len(told) - 1)][0]
        for says, gives in zip_longest(told[start:end], expected[other_start:other_end]):
            at = says[0] if says else at
            yield f"Line {at} says {_quoted(says)}; the results give {_quoted(gives)}."


def _plain(lines: Sequence[str]) -> list[tuple[int, str]]:
    """Lines that say something, with their numbers and without padding and last digits."""
    numbered = ((number, " ".join(line.split())) for number, line in enumerate(lines, start=1))
    return [(number, _LONG.sub(_shortened, line)) for number, line in numbered if not _RULE.fullmatch(line)]


def _shortened(told: re.Match[str]) -> str:
    return f"{float(told[0]):.9g}"


def _quoted(line: tuple[int, str] | None) -> str:
    return "nothing" if line is None else repr(line[1])
