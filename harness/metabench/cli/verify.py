"""`metabench verify`: are results, and tables of results, what they claim to be."""

from __future__ import annotations

import json
import textwrap
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metabench.cli.evaluate import RESULTS, choose_device, n_cores
from metabench.cli.output import as_json, plain
from metabench.cli.state import State, pass_state
from metabench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metabench.verification.finding import Finding
    from metabench.verification.machine import Machine

_WIDTH = 80
_FOLDER = click.Path(path_type=Path)


@click.command("verify")
@click.argument("subjects", metavar="RESULT...", nargs=-1, required=True, type=_FOLDER)
@click.option("--rerun", "n_again", type=click.IntRange(min=2), metavar="K", help="Ask K episodes again.")
@click.option("--full", is_flag=True, help="Make the whole run again.")
@click.option("--results", type=_FOLDER, default=RESULTS, show_default=True, help="Those of a table.")
@click.option(
    "--plugins", type=_FOLDER, default=Path(), show_default=True, help="Where one-file methods lie."
)
@as_json
@pass_state
def verify(  # noqa: PLR0913 - one parameter per option is click's way
    state: State,
    *,
    subjects: tuple[Path, ...],
    n_again: int | None,
    full: bool,
    results: Path,
    plugins: Path,
    as_json: bool,
) -> int:
    """Verify each RESULT: a result's folder, a folder of results, or a file with tables of results.

    Level 0: the record and its files are as they were written. Level 1: the stored predictions give the
    scores, the results give the table. Level 2, --rerun: the stored weights give the predictions. Level 3,
    --full: the whole run has the same outcome again. If something does not verify, the exit code is 1.
    """
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.verification.result import Depth, verify_result  # noqa: PLC0415

    machine, depth = _machine(state, plugins), Depth(n_again, full=full)
    told: list[tuple[Path, list[Finding]]] = []
    for subject in [one for named in subjects for one in members(named)]:
        is_table = subject.is_file()
        found = _table(state, subject, results) if is_table else verify_result(subject, machine, depth)
        told.append((subject, list(_shown(subject, found, silent=as_json))))
    if as_json:
        click.echo(json.dumps([_as_record(*one) for one in told], indent=2))
    else:
        _explain(sorted({finding.level for _, findings in told for finding in findings}))
    return int(any(finding.problems for _, findings in told for finding in findings))


def _machine(state: State, plugins: Path) -> Machine:
    from metabench.referee.events import Broadcast  # noqa: PLC0415
    from metabench.verification.machine import Machine  # noqa: PLC0415

    return Machine(
        metrics=state.extensions.metrics,
        pooled=state.extensions.pooled_metrics,
        datasets=state.extensions.datasets,
        places=state.places,
        plugins=plugins,
        device=choose_device("auto"),
        n_threads=n_cores(),
        listener=Broadcast(state.extensions.listeners, lambda line: click.echo(line, err=True)),
    )


def members(named: Path) -> list[Path]:
    """The results, or the one table, that an argument stands for.

    Raises:
        UsageError: There is nothing of the kind.
    """
    from metabench.results.files import RECORD_FILE  # noqa: PLC0415
    from metabench.results.folder import visible  # noqa: PLC0415

    if named.is_file() or (named / RECORD_FILE).is_file():
        return [named]
    found = sorted(visible(named)) if named.is_dir() else []
    if not found:
        raise UsageError(
            f"{str(named)!r} has no results; expected a result's folder, a folder of results, or a table. "
            "Check the path."
        )
    return found


def _table(state: State, table: Path, results: Path) -> list[Finding]:
    from metabench.verification.table import check_table  # noqa: PLC0415

    by_suffix = {one.suffix: one for one in state.extensions.renderers.values() if one.suffix}
    if table.suffix not in by_suffix:
        raise UsageError(
            f"Table {str(table)!r} is of no known format; expected {', '.join(sorted(by_suffix))}. "
            "Name a file that `metabench leaderboard show` has written."
        )
    renderer, metrics = by_suffix[table.suffix], state.extensions.metrics
    return [check_table(table, results, renderer=renderer, metrics=metrics)]


def _shown(
    subject: Path, findings: Iterator[Finding] | Sequence[Finding], *, silent: bool
) -> Iterator[Finding]:
    """Print findings as they come."""
    if not silent:
        click.echo(plain(subject))
    for finding in findings:
        if not silent:
            _print(finding)
        yield finding


def _print(finding: Finding) -> None:
    checked = "" if finding.problems or not finding.checked else f": {finding.checked}"
    click.echo(plain(f"  level {finding.level} {finding.outcome}{checked}"))
    for line in (*finding.problems, *finding.remarks):
        click.echo(plain(f"    {line}"))


def _explain(levels: Sequence[int]) -> None:
    from metabench.verification.finding import PROVES  # noqa: PLC0415

    for level, meaning in PROVES.items():
        if level in levels:
            click.echo()
            click.echo(textwrap.fill(f"Level {level}, where it is verified, proves that {meaning}", _WIDTH))


def _as_record(subject: Path, findings: Sequence[Finding]) -> dict[str, object]:
    told = [asdict(finding) | {"outcome": finding.outcome} for finding in findings]
    return {"subject": str(subject), "findings": told}
