"""`metabench leaderboard add`: publish results that verify, and the tables made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metabench.cli.output import plain
from metabench.cli.state import State, pass_state
from metabench.cli.verify import members
from metabench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.leaderboards.renderer import Renderer
    from metabench.verification.machine import Machine

_FOLDER = click.Path(path_type=Path)


@click.command("add")
@click.argument("subjects", metavar="[RESULT]...", nargs=-1, type=_FOLDER)
@click.option("--to", "folder", type=_FOLDER, default=Path("leaderboards"), show_default=True)
@pass_state
def add_results(state: State, subjects: tuple[Path, ...], folder: Path) -> int:
    """Publish each RESULT that verifies: a result's folder, or a folder of results.

    Its record and its outcomes are copied into a folder of leaderboards, without predictions and weights, and
    the tables there are made anew; without RESULT, only these. What does not verify at levels 0 and 1 is
    refused, and the exit code is 1.
    """
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.leaderboards.published import check_is_ours, write_tables  # noqa: PLC0415

    renderer, machine = _markdown(state), _machine(state)
    check_is_ours(folder)
    found = [one for named in subjects for one in members(_no_table(named))]
    problems = [problem for one in found for problem in _add(one, folder, machine)]
    problems += write_tables(folder, renderer, state.extensions.metrics)
    for problem in problems:
        click.echo(plain(f"Error: {problem}"), err=True)
    click.echo(plain(f"The tables in {str(folder)!r} are up to date."))
    return int(bool(problems))


def _markdown(state: State) -> Renderer:
    renderers = state.extensions.renderers
    if "markdown" not in renderers:
        raise unknown_name("renderer", "markdown", renderers)
    return renderers["markdown"]


def _machine(state: State) -> Machine:
    """What levels 0 and 1 need; nothing is run."""
    from metabench.referee.events import Listener  # noqa: PLC0415
    from metabench.verification.machine import Machine  # noqa: PLC0415

    extensions = state.extensions
    return Machine(
        metrics=extensions.metrics,
        pooled=extensions.pooled_metrics,
        datasets=extensions.datasets,
        places=state.places,
        plugins=Path(),
        device="cpu",
        n_threads=1,
        listener=Listener(),
    )


def _no_table(named: Path) -> Path:
    if named.is_file():
        raise UsageError(f"{str(named)!r} is a file; expected a result's folder. Check the path.")
    return named


def _add(result: Path, folder: Path, machine: Machine) -> Iterator[str]:
    """Publish one result; yield why it cannot be, a line each."""
    from metabench.leaderboards.published import RESULTS, is_published  # noqa: PLC0415
    from metabench.results.bundle import write_bundle  # noqa: PLC0415
    from metabench.results.files import ResultError, read_record  # noqa: PLC0415
    from metabench.results.folder import Stored  # noqa: PLC0415
    from metabench.verification.publishable import check_publishable  # noqa: PLC0415

    try:
        stored = Stored(result, read_record(result))
        if is_published(stored.record, folder):
            click.echo(plain(f"{result.name} is there already."))
            return
        found = check_publishable(stored, machine)
        yield from (f"Result {str(result)!r} is refused: {problem}" for problem in found.problems)
        if not found.problems:
            write_bundle(stored, folder / RESULTS)
            click.echo(plain(f"{result.name} is added."))
            for remark in found.remarks:
                click.echo(plain(f"Note on {result.name}: {remark}"), err=True)
    except ResultError as error:
        yield str(error)
