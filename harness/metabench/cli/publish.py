"""`metabench leaderboard publish`: stored results as a site."""

from __future__ import annotations

from pathlib import Path

import click

from metabench.cli.evaluate import RESULTS
from metabench.cli.output import plain
from metabench.cli.state import State, pass_state
from metabench.errors import no_results

_SITE = Path("site")


@click.command("publish")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
@click.option("--to", "target", type=click.Path(path_type=Path), default=_SITE, show_default=True)
@click.option(
    "--git", "branch", nargs=2, metavar="REMOTE BRANCH", help="Also commit it to a branch, and push."
)
@pass_state
def publish(state: State, *, results: Path, target: Path, branch: tuple[str, str] | None) -> None:
    """Make a site of all leaderboards and results: static pages for any web server, or for none.

    The folder that it is made in must be empty, or have an earlier site and nothing else.
    """
    # Imported here, as they load what `list` and `--help` do without.
    from metabench.results.folder import read_all  # noqa: PLC0415
    from metabench.site.branch import push_site  # noqa: PLC0415
    from metabench.site.contents import read_contents  # noqa: PLC0415
    from metabench.site.files import site_files  # noqa: PLC0415
    from metabench.site.folder import check_target, write_site  # noqa: PLC0415

    check_target(target)
    stored, problems = read_all(results)
    if not stored and not problems:
        raise no_results(results)
    for problem in problems:
        click.echo(plain(f"Warning: {problem}"), err=True)
    extensions = state.extensions
    contents = read_contents(
        stored,
        problems,
        list(extensions.renderers.values()),
        metrics=extensions.metrics,
        pooled=extensions.pooled_metrics,
    )
    write_site(target, site_files(contents))
    click.echo(f"{len(stored)} results on {len(contents.boards)} leaderboards: {target / 'index.html'}")
    if branch is not None:
        is_new = push_site(target, *branch)
        click.echo(f"{'Pushed to' if is_new else 'Nothing new for'} branch {branch[1]} of {branch[0]}.")
