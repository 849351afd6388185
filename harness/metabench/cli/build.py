"""`metabench leaderboard build`: stored results as files of tables and plots."""

from __future__ import annotations

from pathlib import Path

import click

from metabench.cli.evaluate import RESULTS
from metabench.cli.output import plain
from metabench.cli.state import State, pass_state
from metabench.errors import no_results

_TABLES = Path("tables")


@click.command("build")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
@click.option("--to", "target", type=click.Path(path_type=Path), default=_TABLES, show_default=True)
@pass_state
def build_files(state: State, *, results: Path, target: Path) -> None:
    """Write tables (Markdown, CSV, LaTeX, JSON …) and plots (PNG, SVG) of all leaderboards.

    The folder that they are written to must be empty, or have earlier ones and nothing else.
    """
    # Imported here, as they load what `list` and `--help` do without.
    from metabench.leaderboards.build import build  # noqa: PLC0415
    from metabench.leaderboards.files import leaderboard_files  # noqa: PLC0415
    from metabench.results.folder import read_all  # noqa: PLC0415
    from metabench.site.addresses import board_name  # noqa: PLC0415
    from metabench.site.folder import check_target, write_site  # noqa: PLC0415

    check_target(target)
    stored, problems = read_all(results)
    for problem in problems:
        click.echo(plain(f"Warning: {problem}"), err=True)
    if not stored:
        raise no_results(results)
    boards = build(stored, state.extensions.metrics)
    renderers = list(state.extensions.renderers.values())
    names = [board_name(board.track) for board in boards]
    write_site(target, leaderboard_files(boards, renderers, names))
    click.echo(f"{len(stored)} results on {len(boards)} leaderboards: {target}")
