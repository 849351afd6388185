"""`metabench leaderboard`: stored results side by side."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from metabench.cli.add import add_results
from metabench.cli.build import build_files
from metabench.cli.evaluate import RESULTS
from metabench.cli.publish import publish
from metabench.cli.state import State, pass_state
from metabench.errors import no_results, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metabench.leaderboards.remembered import Shown
    from metabench.leaderboards.renderer import Renderer
    from metabench.scoring.metric import Metric


@click.group("leaderboard")
def leaderboard() -> None:
    """Stored results side by side."""


leaderboard.add_command(add_results)
leaderboard.add_command(build_files)
leaderboard.add_command(publish)


@leaderboard.command("show")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
@click.option("--benchmark", "benchmarks", multiple=True, metavar="B", help="Only these benchmarks.")
@click.option("--format", "renderer", default="terminal", show_default=True, help="terminal, markdown …")
@pass_state
def show_leaderboard(state: State, results: Path, benchmarks: tuple[str, ...], renderer: str) -> None:
    """Show a table for each group of results that compare."""
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.leaderboards.remembered import show  # noqa: PLC0415

    renderers, metrics = state.extensions.renderers, state.extensions.metrics
    if renderer not in renderers:
        raise unknown_name("renderer", renderer, renderers)
    wishes = [renderer, repr(sorted(set(benchmarks))), *metrics]
    shown = show(
        results,
        wishes,
        lambda: _made(results, benchmarks, renderers[renderer], metrics),
        home=state.places.cache,
    )
    for problem in shown.problems:
        click.echo(f"Warning: {problem}", err=True)
    if shown.table is None:
        raise no_results(results)
    click.echo(shown.table)


def _made(
    results: Path, benchmarks: Sequence[str], renderer: Renderer, metrics: Mapping[str, Metric]
) -> Shown:
    # Imported here, as a table that is remembered does without.
    from metabench.leaderboards.build import build  # noqa: PLC0415
    from metabench.leaderboards.remembered import Shown  # noqa: PLC0415
    from metabench.results.folder import read_all  # noqa: PLC0415

    stored, problems = read_all(results)
    known = {one.record.benchmark.name for one in stored}
    for name in benchmarks:
        if name not in known:
            raise unknown_name("benchmark with results", name, known)
    chosen = [one for one in stored if not benchmarks or one.record.benchmark.name in benchmarks]
    table = renderer.render(build(chosen, metrics)) if chosen else None
    return Shown(table=table, problems=tuple(problems))
