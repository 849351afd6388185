"""`metabench data`: the datasets on this machine, and getting those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metabench.cli.output import as_json, print_rows
from metabench.cli.state import State, pass_state
from metabench.data.places import parse_mirror
from metabench.errors import DataError, unknown_name

if TYPE_CHECKING:
    from metabench.cli.downloads import Downloads
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe


@click.group("data")
def data() -> None:
    """Datasets: what is here, and getting what is not."""


@data.command("list")
@as_json
@pass_state
def list_data(state: State, *, as_json: bool) -> None:
    """List the datasets and whether they are on this machine."""
    recipes = state.extensions.datasets.values()
    rows = [
        {
            "name": recipe.name,
            "modality": recipe.modality,
            "here": _presence(recipe, state.places),
            "download": f"{sum(source.size or 0 for source in recipe.sources) / 1e6:.1f} MB",
            "licence": recipe.licence,
        }
        for recipe in recipes
    ]
    print_rows(rows, as_json=as_json)


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


def _presence(recipe: Recipe, places: Places) -> str:
    from metabench.data.sources import locate  # noqa: PLC0415 - loads the network's library
    from metabench.errors import DataUnavailableError  # noqa: PLC0415

    if not recipe.sources:
        return "embedded"
    try:
        locate(recipe, places)
    except DataUnavailableError:
        return "absent"
    return "present"
