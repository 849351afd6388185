"""How commands print: tables and JSON."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Cell = str | int | float | bool | None

# Names come from strangers' packages; a terminal must not obey what stands in them.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


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
    """A value as text that a terminal can show."""
    if value is None:
        return ""
    return _CONTROL.sub(" ", str(value))


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")
