"""`metabench data`: the datasets on this machine, and getting those that are not."""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from metabench.cli.output import as_json, plain, print_rows
from metabench.cli.state import State, pass_state
from metabench.data.places import parse_mirror
from metabench.discovery.contestants import find
from metabench.errors import DataError, UsageError, unknown_name
from metabench.spec.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from metabench.cli.downloads import Downloads
    from metabench.cli.output import Cell
    from metabench.data.dataset import Dataset
    from metabench.data.health import Health
    from metabench.data.importer import Imported, Wish
    from metabench.data.places import Places
    from metabench.data.raw import RawClass
    from metabench.data.recipe import Modality, Recipe

_MOST_SHOWN = 10
_STANDARD = Protocol(5, 1, n_query=15)


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
    shown = [f"  {line}" for line in health.duplicates[:_MOST_SHOWN]]
    if len(health.duplicates) > _MOST_SHOWN:
        shown.append(f"  … and {len(health.duplicates) - _MOST_SHOWN} more; --json shows all")
    return "\n".join([", ".join(told), *map(plain, shown)])


@data.command("pull")
@click.argument("names", nargs=-1, required=True)
@click.option("--from", "start", metavar="DIR|URL", help="Look here first, before the official addresses.")
@click.option("--again", is_flag=True, help="Get and build anew what is here already.")
@pass_state
def pull_data(state: State, names: tuple[str, ...], start: str | None, *, again: bool) -> int:
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
                _pull_one(recipe, state.places, start, downloads, again=again)
            except DataError as error:
                n_failed += 1
                downloads.said(f"Error: {error}")
                if recipe.sources and not again:
                    downloads.said(f"`metabench data pull {recipe.name} --again` gets all of its files anew.")
    return int(n_failed > 0)


def _pull_one(
    recipe: Recipe, places: Places, start: str | None, downloads: Downloads, *, again: bool
) -> None:
    from metabench.data.pull import pull  # noqa: PLC0415 - loads the network's library
    from metabench.data.store import discard_built, open_dataset  # noqa: PLC0415

    pull(recipe, places, start=parse_mirror(start) if start else None, listener=downloads, again=again)
    if again:
        discard_built(recipe, places)
    dataset = open_dataset(recipe, places)
    sizes = ", ".join(f"{split} {len(pool.class_names)}" for split, pool in dataset.pools.items())
    click.echo(f"{recipe.name}: {sizes} classes, content {dataset.content_hash[:16]}")
    if not dataset.expected_content:
        downloads.said(
            f"Warning: dataset {recipe.name!r} has content {dataset.content_hash[:16]}; expected "
            f"{str(recipe.content_hash)[:16]}. Its results compare with no published ones; install the "
            "versions of constraints.txt, or leave out the mirror and run "
            f"`metabench data pull {recipe.name} --again`."
        )


def _find_recipe(state: State, name: str) -> Recipe:
    recipes = state.extensions.datasets
    if name not in recipes:
        raise unknown_name("dataset", name, recipes)
    return recipes[name]


@data.command("import")
@click.argument("name")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--size", default=84, show_default=True, type=click.IntRange(8, 1024), help="Side of images.")
@click.option("--seed", default=0, show_default=True, help="Draws the splits of the classes.")
@click.option("--min-examples", default=1, type=click.IntRange(min=1), help="Leave out smaller classes.")
@click.option("--licence", default="unknown", show_default=True, help="What lists say of it.")
@click.option("--backbone", help="What runs take if none is named [that of similar datasets].")
@pass_state
def import_data(  # noqa: PLR0913 - one parameter per option is click's way
    state: State,
    *,
    name: str,
    path: Path,
    size: int,
    seed: int,
    min_examples: int,
    licence: str,
    backbone: str | None,
) -> None:
    """Bring a dataset of your own: call what is at PATH the dataset NAME.

    PATH is a folder with a folder of images for each class, a .csv or .jsonl file in UTF-8 with the columns
    `text` and `label`, or a folder that `datasets` has saved. Classes are put into splits by a draw (64, 16
    and 20 %), unless they stand in folders meta_train, meta_val and meta_test, or there is a column `split`.
    """
    from metabench.data.importer import Wish, import_dataset  # noqa: PLC0415 - loads image libraries

    recipes = state.extensions.datasets
    if name in recipes:
        raise UsageError(
            f"Dataset {name!r} is provided by {state.extensions.provider(recipes[name])} already; expected a "
            "new name. Choose another one."
        )
    if backbone is not None:
        find("backbone", backbone)
    wish = Wish(name, path, size, seed, min_examples, licence)
    imported = import_dataset(
        wish, state.places, lambda modality: backbone or _usual_backbone(state, modality), _show_classes
    )
    _tell_imported(imported, wish)


def _usual_backbone(state: State, modality: Modality) -> str:
    """The backbone that most datasets of a kind name as their own."""
    named = Counter(one.backbone for one in state.extensions.datasets.values() if one.modality == modality)
    if not named:
        raise UsageError(
            f"Backbone for {modality}s is not named; no other dataset has one. Add --backbone NAME."
        )
    return named.most_common(1)[0][0]


def _show_classes(classes: list[RawClass]) -> Iterator[RawClass]:
    """Go through classes, with a bar on a terminal."""
    if not sys.stderr.isatty():
        yield from classes
        return
    with click.progressbar(classes, label="classes", file=sys.stderr) as bar:
        yield from bar


def _tell_imported(imported: Imported, wish: Wish) -> None:
    dataset, name = imported.dataset, imported.recipe.name
    sizes = ", ".join(f"{split} {len(pool.class_names)}" for split, pool in dataset.pools.items())
    how = f"drawn with seed {wish.seed}" if imported.is_drawn else "as given"
    n_examples = sum(len(pool.examples) for pool in dataset.pools.values())
    content = dataset.content_hash[:16]
    click.echo(f"{name}: {sizes} classes ({how}), {n_examples} {dataset.modality}s, content {content}")
    if imported.n_left_out:
        click.echo(
            f"{imported.n_left_out} classes with fewer than {wish.min_examples} examples are left out."
        )
    for warning in _warnings(dataset):
        click.echo(f"Warning: {plain(warning)}", err=True)
    click.echo(f"Run `metabench evaluate ALGORITHM --benchmark {name}-{_STANDARD.short_name}`.")


def _warnings(dataset: Dataset) -> Iterator[str]:
    """What a user may want to change before running anything."""
    shape, needed = _STANDARD.short_name, _STANDARD.n_per_class
    for split, pool in dataset.pools.items():
        if len(pool.class_names) < _STANDARD.n_way:
            yield f"{split} has {len(pool.class_names)} classes; {shape} needs {_STANDARD.n_way}."
        sizes = zip(pool.class_names, pool.sizes, strict=True)
        small = [f"{name!r} {size}" for name, size in sizes if size < needed]
        if small:
            yield (
                f"{split} has {len(small)} classes with fewer than {needed} examples, which {shape} needs: "
                f"{_some(small)}. Leave them out by --min-examples {needed}."
            )
    if dataset.duplicates:
        yield f"{len(dataset.duplicates)} examples stand in two splits: {_some(dataset.duplicates)}."


def _some(names: Sequence[str]) -> str:
    more = len(names) - _MOST_SHOWN
    return ", ".join(names[:_MOST_SHOWN]) + (f" and {more} more" if more > 0 else "")
