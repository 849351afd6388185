"""`metabench check`: does an algorithm do what the harness expects of one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from metabench.cli.output import as_json, plain, print_rows
from metabench.cli.state import State, pass_state
from metabench.discovery.contestants import find
from metabench.spec.toy import MOST_EPISODES, parse_toy_protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.wire.reports import Checked


@click.command("check")
@click.argument("algorithms", nargs=-1, required=True)
@click.option("--backbone", "backbones", multiple=True, metavar="N", help="Backbone [two small ones].")
@click.option("--protocol", default="5w1s", show_default=True, help="Ways and shots it is built for.")
@click.option(
    "--episodes",
    type=click.IntRange(min=1),
    default=MOST_EPISODES,
    show_default=True,
    help="Episodes within which it must learn a toy problem.",
)
@click.option("--set", "settings", multiple=True, metavar="[PLUGIN.]OPTION=VALUE", help="Set an option.")
@as_json
@pass_state
def check(  # noqa: PLR0913 - one parameter per option is click's way
    state: State,
    *,
    algorithms: tuple[str, ...],
    backbones: tuple[str, ...],
    protocol: str,
    episodes: int,
    settings: tuple[str, ...],
    as_json: bool,
) -> int:
    """Check that ALGORITHMS (names, PACKAGE:NAME or PATH.py:CLASS) do what is expected of a method.

    Each is meta-trained for some seconds on toy problems, images and texts, and asked what it may not
    have thought of: other ways and shots, queries in another order and alone, the same episode twice …
    """
    # Imported here, as they load what `list` and `--help` do without.
    from metabench.cli.settings import Settings  # noqa: PLC0415
    from metabench.referee.conformance import Examination, examine  # noqa: PLC0415
    from metabench.referee.description import describe_plugins  # noqa: PLC0415

    parse_toy_protocol(protocol)
    found = [find("algorithm", name) for name in algorithms]
    stands_on = [find("backbone", name) for name in backbones]
    chosen = Settings(settings, describe_plugins([*found, *stands_on], state.places))
    chosen.check_all_used()
    below = tuple(chosen.entrant(one) for one in stands_on)
    hidden = state.places.folders
    examinations = [Examination(chosen.entrant(one), below, protocol, episodes, hidden) for one in found]
    told: list[tuple[str, list[Checked]]] = []
    for examination in examinations:
        name = examination.algorithm.plugin.name
        click.echo(f"Checking {name} …", err=True)
        told.append((name, list(examine(examination))))
        if not as_json:
            _print(*told[-1])
    if as_json:
        click.echo(json.dumps([_as_fields(name, results) for name, results in told], indent=2))
    return int(any(one.status == "fail" for _, results in told for one in results))


def _as_fields(name: str, results: Sequence[Checked]) -> dict[str, object]:
    return {"algorithm": name, "checks": [one.model_dump() for one in results]}


def _print(name: str, results: Sequence[Checked]) -> None:
    """A table, check by check and backbone by backbone, and a line for whatever is no pass."""
    print_rows(_rows(results), as_json=False)
    for one in results:
        if one.status in ("fail", "note"):
            where = f" on {one.backbone}" if one.backbone else ""
            click.echo(plain(f"{one.status}: {one.check}{where}: {one.message}"))
    n_failed = sum(one.status == "fail" for one in results)
    verdict = f"fails {n_failed} of {len(results)} checks" if n_failed else f"passes {len(results)} checks"
    click.echo(f"{name} {verdict}.\n")


def _rows(results: Sequence[Checked]) -> list[dict[str, str]]:
    """What came of each check, with a column for each backbone."""
    columns = dict.fromkeys(one.backbone for one in results if one.backbone)
    rows: dict[str, dict[str, str]] = {}
    for one in results:
        if one.backbone:
            row = rows.setdefault(one.check, {"check": one.check, **dict.fromkeys(columns, "")})
            row[one.backbone] = one.status
    return list(rows.values())
