"""`metabench data`: the datasets on this machine, and getting those that are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from metabench.cli.output import as_json, print_rows
from metabench.cli.state import State, pass_state
from metabench.errors import unknown_name

if TYPE_CHECKING:
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
@pass_state
def pull_data(state: State, names: tuple[str, ...]) -> None:
    """Fetch the files of the datasets NAMES from their official addresses, and build them."""
    from metabench.data.sources import pull  # noqa: PLC0415 - loads the network's library
    from metabench.data.store import open_dataset  # noqa: PLC0415

    recipes = state.extensions.datasets
    for name in names:
        if name not in recipes:
            raise unknown_name("dataset", name, recipes)
    for name in names:
        pull(recipes[name], state.places)
        dataset = open_dataset(recipes[name], state.places)
        sizes = ", ".join(f"{split} {len(pool.class_names)}" for split, pool in dataset.pools.items())
        click.echo(f"{name}: {sizes} classes, content {dataset.content_hash[:16]}")


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
