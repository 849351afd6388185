"""`metabench show`: one thing in detail. A plugin is imported for it, in a process of its own."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING, cast

import click

from metabench.cli.output import as_json, print_fields
from metabench.cli.state import State, pass_state
from metabench.data.recipe import Recipe
from metabench.discovery.contestants import find
from metabench.discovery.source import BrokenPluginError, read_source
from metabench.errors import unknown_name
from metabench.spec.benchmark import find_benchmark
from metabench.spec.budget import parse_budget

if TYPE_CHECKING:
    from metabench.data.recipe import Source
    from metabench.discovery.plugin import Kind, Plugin
    from metabench.spec.tokenizer import Tokenizer

KINDS = ("algorithm", "backbone", "benchmark", "budget", "dataset", "executor", "metric", "renderer", "suite")


@click.command("show")
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("name")
@as_json
@pass_state
def show(state: State, kind: str, name: str, *, as_json: bool) -> None:
    """Show the thing of that KIND and NAME in detail."""
    if kind in ("algorithm", "backbone"):
        shown = _contestant(state, find(cast("Kind", kind), name))
    elif kind == "benchmark":
        extensions = state.extensions
        shown = asdict(find_benchmark(name, extensions.benchmarks, extensions.datasets))
    elif kind == "budget":
        shown = asdict(parse_budget(name))
    else:
        shown = _trusted(state, kind, name)
    print_fields(shown, as_json=as_json)


def _contestant(state: State, plugin: Plugin) -> dict[str, object]:
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.referee.description import Undescribed, describe_plugins  # noqa: PLC0415

    shown: dict[str, object] = {
        "name": plugin.name,
        "kind": plugin.kind,
        "target": plugin.target,
        "distribution": plugin.distribution,
        "version": plugin.version,
    }
    told = describe_plugins([plugin], state.places)[plugin]
    if isinstance(told, Undescribed):
        return shown | {"status": f"broken: {told.reason}"}
    shown |= {"status": "ok", "source": _digest(plugin), "summary": told.summary.partition("\n")[0]}
    if plugin.kind == "backbone":
        shown |= {"modality": told.modality, "pretraining": told.pretraining}
        if told.takes_model:
            shown["model"] = str(plugin.model or f"to be named: {plugin.name}:MODEL")
        shown |= {"tokenizer": _in_words(told.tokenizer)} if told.tokenizer else {}
    else:
        shown |= {"features only": told.features_only}
        shown |= {f"backbone for {modality}s": name for modality, name in told.default_backbones.items()}
    options = {
        f"--set {name}": f"{option.default!r} ({option.as_option().takes}): {option.help}"
        for name, option in told.options.items()
    }
    return shown | options


def _in_words(tokenizer: Tokenizer) -> str:
    """A tokenizer in one line."""
    if tokenizer.file:
        return f"{tokenizer.file}, {tokenizer.length} tokens per text"
    case = "lower case" if tokenizer.lowercase else "upper and lower case"
    return f"{tokenizer.kind}, {case}, {tokenizer.n_tokens} tokens known, {tokenizer.length} per text"


def _digest(plugin: Plugin) -> str:
    try:
        return read_source(plugin).digest
    except BrokenPluginError as error:
        return str(error)


def _trusted(state: State, kind: str, name: str) -> dict[str, object]:
    records = getattr(state.extensions, f"{kind}s")
    if kind == "metric":
        records = records | state.extensions.pooled_metrics
    if name not in records:
        raise unknown_name(kind, name, records)
    record = records[name]
    told = {field.name: getattr(record, field.name) for field in fields(record)}
    shown = {name: _plain(value) for name, value in told.items() if not callable(value)}
    if isinstance(record, Recipe):
        shown["sources"] = [_where_from(source) for source in record.sources]
    return shown | {"provider": state.extensions.provider(record)}


def _where_from(source: Source) -> str:
    """The addresses of a file, and what upstream's one is known to hold."""
    known = (source.size and f"{source.size} bytes", source.checksum)
    told = ", ".join(one for one in known if one) or "size and checksum unknown"
    return f"{' or '.join((source.url, *source.other_urls))} ({told})"


def _plain(value: object) -> object:
    """A value as JSON has it."""
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, bool | int | float | str | None) else str(value)
