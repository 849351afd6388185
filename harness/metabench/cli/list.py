"""`metabench list`: what is installed. No contestant plugin is imported for it."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import click

from metabench.cli.output import as_json, print_rows
from metabench.cli.state import State, pass_state
from metabench.discovery.contestants import installed
from metabench.discovery.source import BrokenPluginError, read_source
from metabench.spec.budget import NAMED_BUDGETS

if TYPE_CHECKING:
    from metabench.cli.output import Cell
    from metabench.discovery.plugin import Kind, Plugin

    Row = dict[str, Cell]

TRUSTED = ("benchmarks", "datasets", "executors", "metrics", "renderers", "suites")
KINDS = ("plugins", "algorithms", "backbones", "budgets", *TRUSTED)


@click.command("list")
@click.argument("kind", type=click.Choice(KINDS), default="plugins")
@as_json
@pass_state
def list_command(state: State, kind: str, *, as_json: bool) -> None:
    """List what is installed: all plugins, or those of one KIND."""
    print_rows(_rows(state, kind), as_json=as_json)


def _rows(state: State, kind: str) -> list[Row]:
    if kind == "algorithms":
        return _contestants("algorithm")
    if kind == "backbones":
        return _contestants("backbone")
    if kind == "budgets":
        return _budgets()
    kinds = TRUSTED if kind == "plugins" else (kind,)
    rows = [row for one in kinds for row in _trusted(state, one)]
    if kind == "plugins":
        rows = [*_contestants("algorithm"), *_contestants("backbone"), *rows, *_broken(state)]
    return rows


def _contestants(kind: Kind) -> list[Row]:
    return [_contestant(plugin) for plugin in installed(kind)]


def _contestant(plugin: Plugin) -> Row:
    try:
        read_source(plugin)
        status = "ok"
    except BrokenPluginError as error:
        status = f"broken: {error}"
    return _row(plugin.name, plugin.kind, plugin.distribution, plugin.version, status)


def _trusted(state: State, kind: str) -> list[Row]:
    records = [*getattr(state.extensions, kind).values()]
    if kind == "metrics":
        records += state.extensions.pooled_metrics.values()
    return [
        _row(record.name, kind[:-1], *_distribution(state.extensions.provider(record)), "ok")
        for record in records
    ]


def _broken(state: State) -> list[Row]:
    return [
        _row(one.name, "extension", *_distribution(one.distribution), f"broken: {one.reason}")
        for one in state.extensions.broken
    ]


def _distribution(provider: str) -> tuple[str, str]:
    """Name and version of the package that a provider, "PACKAGE:EXTENSION", belongs to."""
    name = provider.partition(":")[0]
    try:
        return name, version(name)
    except PackageNotFoundError:
        return name, ""


def _row(name: str, kind: str, distribution: str, version: str, status: str) -> Row:
    return {"name": name, "kind": kind, "distribution": distribution, "version": version, "status": status}


def _budgets() -> list[Row]:
    return [
        {
            "name": budget.name,
            "meta-training": f"{budget.seconds:g} s",
            "memory": f"{budget.memory_mib} MiB",
            "GPU memory": f"{budget.device_memory_mib} MiB",
            "per test episode": f"{budget.adaptation_s:g} s",
        }
        for budget in NAMED_BUDGETS.values()
    ]
