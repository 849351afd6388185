"""`metabench data`: the datasets on this machine, and getting those that are not."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from metabench.cli.output import as_json, plain, print_rows
from metabench.cli.state import State, pass_state
from metabench.data.places import parse_mirror
from metabench.errors import DataError, unknown_name

if TYPE_CHECKING:
    from metabench.cli.downloads import Downloads
    from metabench.cli.output import Cell
    from metabench.data.health import Health
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe

_MOST_DUPLICATES = 10


@click.group("data")
def data() -> None:
    """Datasets: what is here, and getting what is not."""


@data.command("list")
@as_json
@pass_state
def list_data(state: State, *, as_json: bool) -> None:
    """List the datasets and what there is of them on this machine.

    Files are not read through; `metabench data verify` does that.
    """
    from metabench.data.health import examine  # noqa: PLC0415 - loads numpy

    rows = []
    damages: list[str] = []
    for recipe in state.extensions.datasets.values():
        health = examine(recipe, state.places, quick=True)
        damages.extend(health.damages)
        row: dict[str, Cell] = {"name": recipe.name, "modality": recipe.modality, "state": health.state}
        row |= {"built": health.is_built, "duplicates": len(health.duplicates) if health.is_built else None}
        if not as_json:
            row |= {"built": "yes" if health.is_built else "no"}
        size = _download_bytes(recipe)
        row |= {"bytes": size} if as_json else {"download": _in_words(recipe, size)}
        rows.append(row | {"licence": recipe.licence})
    print_rows(rows, as_json=as_json)
    for damage in damages:
        click.echo(f"Warning: {damage}", err=True)


def _download_bytes(recipe: Recipe) -> int | None:
    sizes = [source.size for source in recipe.sources if source.size is not None]
    return sum(sizes) if len(sizes) == len(recipe.sources) else None


def _in_words(recipe: Recipe, size: int | None) -> str:
    if not recipe.sources:
        return "none"
    return "unknown" if size is None else f"{size / 1e6:.1f} MB"


@data.command("verify")
@click.argument("names", nargs=-1)
@as_json
@pass_state
def verify_data(state: State, names: tuple[str, ...], *, as_json: bool) -> int:
    """Read everything through that is here of the datasets NAMES (all, if none is named).

    A dataset is present, absent or damaged. If one is damaged, the exit code is 1.
    """
    from metabench.data.health import examine  # noqa: PLC0415 - loads numpy

    recipes = [_find_recipe(state, name) for name in names] or list(state.extensions.datasets.values())
    results = []
    for recipe in recipes:
        health = examine(recipe, state.places, quick=False)
        results.append(asdict(health) | {"state": health.state})
        if not as_json:
            click.echo(f"{recipe.name}: {_tell(health)}")
        for damage in health.damages:
            click.echo(f"Error: {damage}", err=True)
    if as_json:
        click.echo(json.dumps(results, indent=2))
    return int(any(result["state"] == "damaged" for result in results))


def _tell(health: Health) -> str:
    """What was found of a dataset, on one or more lines."""
    if health.state == "absent":
        return f"absent. Run `metabench data pull {health.name}`."
    if health.state == "damaged":
        return "damaged"
    told = ["present", "built" if health.is_built else "not built"]
    if health.expected_content is False:
        told.append("other content than published results have")
    if health.is_built:
        told.append(f"{len(health.duplicates)} examples in two splits")
    shown = [f"  {line}" for line in health.duplicates[:_MOST_DUPLICATES]]
    if len(health.duplicates) > _MOST_DUPLICATES:
        shown.append(f"  … and {len(health.duplicates) - _MOST_DUPLICATES} more; --json shows all")
    return "\n".join([", ".join(told), *map(plain, shown)])


@data.command("pull")
@click.argument("names", nargs=-1, required=True)
@click.option("--from", "start", metavar="DIR|URL", help="Look here first, before the official addresses.")
@pass_state
def pull_data(state: State, names: tuple[str, ...], start: str | None) -> int:
    """Get the files of the datasets NAMES, and build them.

    Files are looked for in --from and in METABENCH_MIRROR first, which are folders or http(s) addresses,
    then at their official addresses. A download that was broken off goes on where it stopped.
    """
    from metabench.cli.downloads import show_downloads  # noqa: PLC0415 - loads the network's library

    recipes = [_find_recipe(state, name) for name in names]
    n_failed = 0
    with show_downloads() as downloads:
        for recipe in recipes:
            try:
                _pull_one(recipe, state.places, start, downloads)
            except DataError as error:
                n_failed += 1
                downloads.said(f"Error: {error}")
    return int(n_failed > 0)


def _pull_one(recipe: Recipe, places: Places, start: str | None, downloads: Downloads) -> None:
    from metabench.data.pull import pull  # noqa: PLC0415 - loads the network's library
    from metabench.data.store import open_dataset  # noqa: PLC0415

    pull(recipe, places, start=parse_mirror(start) if start else None, listener=downloads)
    dataset = open_dataset(recipe, places)
    sizes = ", ".join(f"{split} {len(pool.class_names)}" for split, pool in dataset.pools.items())
    click.echo(f"{recipe.name}: {sizes} classes, content {dataset.content_hash[:16]}")
    if not dataset.expected_content:
        downloads.said(
            f"Warning: dataset {recipe.name!r} has content {dataset.content_hash[:16]}; expected "
            f"{str(recipe.content_hash)[:16]}. Its results compare with no published ones; install the "
            "versions of constraints.txt, or get the files from their official addresses."
        )


def _find_recipe(state: State, name: str) -> Recipe:
    recipes = state.extensions.datasets
    if name not in recipes:
        raise unknown_name("dataset", name, recipes)
    return recipes[name]
