"""A folder of published results: bundles, and the tables that are made of them.

    leaderboards/
      README.md           lists the tables
      omniglot-5w1s.md    the tables of one benchmark
      results/            a bundle for each run, see `metabench.results.bundle`

The same results give the same bytes, so that a change of a table is always a change of its results.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tabulate import tabulate

from metabench.errors import UsageError
from metabench.leaderboards.build import build
from metabench.results.files import ResultError
from metabench.results.folder import clean_name, find_result, folder_name, read_all

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from metabench.leaderboards.renderer import Renderer
    from metabench.leaderboards.table import Leaderboard
    from metabench.results.folder import Stored
    from metabench.results.record import Record
    from metabench.scoring.metric import Metric

RESULTS = "results"
_INDEX = "README.md"
_MADE = "<!-- Made by `metabench leaderboard add` from what lies in results/. -->"
# What Markdown's tables begin with: `metabench.leaderboards.text.heading`, as a heading.
_TABLE = re.compile(r"### .*: .*, \d+ episodes$", re.MULTILINE)
_LINK = re.compile(r"\]\(([a-z0-9_.+-]+\.md)\)")
_ABOUT = (
    "Each folder in [results](results) is a run: its record, and what came of each of its episodes. The "
    "tables are made of them by `metabench leaderboard add`, which also adds results; `metabench verify` "
    "checks both."
)


def check_is_ours(folder: Path) -> None:
    """Refuse a folder in which somebody has written what would be replaced or removed.

    Raises:
        UsageError: It is such a folder.
    """
    index = folder / _INDEX
    if index.exists() and not _read(index).startswith(_MADE):
        raise UsageError(
            f"Folder {str(folder)!r} has a {_INDEX} of its own; expected a folder of leaderboards. Name "
            "another one with --to."
        )
    _check_tables_are_ours(folder, _listed(folder))


def is_published(record: Record, folder: Path) -> bool:
    """Is a result in a folder of leaderboards already.

    Raises:
        ResultError: Another record of the same run is there, or it is damaged.
    """
    there = find_result(folder / RESULTS, record.identity)
    if there is not None and there.model_dump_json() != record.model_dump_json():
        raise ResultError(
            f"Folder {str(folder)!r} has another record of the run {folder_name(record)!r}; expected one for "
            "each run. Keep the one that is published."
        )
    return there is not None


def write_tables(folder: Path, renderer: Renderer, metrics: Mapping[str, Metric]) -> list[str]:
    """Make the tables of a folder anew, and remove those of which no results are left.

    Args:
        folder: Of leaderboards.
        renderer: Of Markdown.
        metrics: By name.

    Returns:
        A line for each folder of results that is none, or repeats another one.

    Raises:
        ResultError: The folder cannot be read or written.
        UsageError: Somebody has written a file that a table would replace; nothing is changed.
    """
    stored, problems = read_all(folder / RESULTS)
    files = tables(stored, renderer, metrics)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_is_ours(folder)
        _check_tables_are_ours(folder, files.keys() - {_INDEX})
        for name in _listed(folder) - files.keys():
            (folder / name).unlink(missing_ok=True)
        for name, content in files.items():
            (folder / name).write_bytes(content.encode())
    except OSError as error:
        raise ResultError(
            f"Folder {str(folder)!r} cannot be written ({error.strerror}); expected a folder with room. "
            "Name another one with --to."
        ) from error
    return problems


def tables(stored: Iterable[Stored], renderer: Renderer, metrics: Mapping[str, Metric]) -> dict[str, str]:
    """Make the tables of published results.

    Args:
        stored: Results.
        renderer: Of Markdown.
        metrics: By name.

    Returns:
        The content of each file by its name: one for each benchmark, and one that lists them.
    """
    by_file: dict[str, list[Leaderboard]] = {}
    for board in build(stored, metrics):
        by_file.setdefault(_file_name(board.track.benchmark.name), []).append(board)
    made = {name: f"{renderer.render(boards)}\n" for name, boards in by_file.items()}
    return {_INDEX: _index(by_file)} | made


def _file_name(benchmark: str) -> str:
    """A stranger's name as that of a file, on file systems that know no capitals as well."""
    name = f"{clean_name(benchmark).lower()}.md"
    return f"-{name}" if name == _INDEX.lower() else name


def _index(by_file: Mapping[str, Sequence[Leaderboard]]) -> str:
    rows = [_index_row(name, boards) for name, boards in sorted(by_file.items())]
    header = ["benchmark", "budgets", "methods", "runs"]
    table = tabulate(rows, header, tablefmt="github", disable_numparse=True) if rows else "No results yet."
    return "\n\n".join([_MADE, "# Leaderboards", table, _ABOUT]) + "\n"


def _index_row(name: str, boards: Sequence[Leaderboard]) -> list[str]:
    rows = [row for board in boards for row in board.rows]
    budgets = dict.fromkeys(board.track.budget.name for board in boards)
    methods = {(row.algorithm, row.backbone) for row in rows}
    link = f"[`{name.removesuffix('.md')}`]({name})"
    return [link, ", ".join(budgets), str(len(methods)), str(sum(row.n_seeds for row in rows))]


def _listed(folder: Path) -> set[str]:
    """The tables that the index of before has."""
    index = folder / _INDEX
    return set(_LINK.findall(_read(index))) if index.exists() else set()


def _check_tables_are_ours(folder: Path, names: Iterable[str]) -> None:
    for file in (folder / name for name in sorted(names)):
        if file.exists() and not (file.is_file() and _TABLE.match(_read(file))):
            raise UsageError(
                f"File {str(file)!r} is none of the tables that metabench makes, and would be replaced or "
                "removed; expected no other file of that name. Move it out of the folder, or name another "
                "folder with --to."
            )


def _read(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="replace")
