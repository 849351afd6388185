"""How commands print: tables and JSON."""

from __future__ import annotations

import json
from itertools import zip_longest
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from metabench.leaderboards.text import printable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Cell = str | int | float | bool | None


def print_rows(rows: Sequence[Mapping[str, Cell]], *, as_json: bool) -> None:
    """Print records of one kind as a table, or as JSON."""
    if as_json:
        click.echo(json.dumps(list(rows), indent=2))
    elif rows:
        cells = [[plain(value) for value in row.values()] for row in rows]
        click.echo(tabulate(cells, headers=list(rows[0]), tablefmt="simple", disable_numparse=True))
    else:
        click.echo("none")


def print_fields(fields: Mapping[str, object], *, as_json: bool) -> None:
    """Print one record, a field a line (of a list, an entry a line), or as JSON."""
    if as_json:
        click.echo(json.dumps(dict(fields), indent=2))
        return
    width = max(map(len, fields))
    for name, value in fields.items():
        lines = value or ["none"] if isinstance(value, list) else [value]
        for label, line in zip_longest([name], lines, fillvalue=""):
            click.echo(f"{label:<{width}}  {plain(line)}")


def plain(value: object) -> str:
    """A value as text on one line: names come from strangers' packages, and no terminal must obey them."""
    return "" if value is None else printable(str(value))


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")
