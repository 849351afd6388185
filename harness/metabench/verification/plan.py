"""From a record back to a plan that can be run on this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.discovery.contestants import find, installed, with_model
from metabench.discovery.source import read_source
from metabench.errors import MetabenchError
from metabench.referee.description import Description, Undescribed, describe_plugins
from metabench.results.arena import told_benchmark
from metabench.results.assemble import Planned
from metabench.results.environment import threads_of
from metabench.results.identity import INCIDENTAL
from metabench.spec.budget import Budget
from metabench.spec.plan import Entrant, RunPlan
from metabench.spec.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from metabench.discovery.plugin import Kind, Plugin
    from metabench.results.arena import Arena
    from metabench.results.record import EnvironmentPart, PluginPart, Record, TokenizerPart
    from metabench.verification.machine import Machine

_FILE = "(file)"
# Enough of a hash to tell it from another one.
_SHORT = 16


class NotRepeatableError(MetabenchError):
    """A run cannot be repeated here; the message says why."""


@dataclass(frozen=True)
class Repeatable:
    """A run that was told by a record, as it would be made here.

    Attributes:
        plan: The run.
        arena: Its benchmark.
        differences: What is not as it was where the run was made, though its number may depend on it.
    """

    plan: RunPlan
    arena: Arena
    differences: tuple[str, ...]


def repeatable(record: Record, machine: Machine) -> Repeatable:
    """Find everything that a run needs.

    Args:
        record: Of the run.
        machine: To repeat it on.

    Raises:
        NotRepeatableError: A plugin is not here, or of another source, or the record tells of something else.
        DataError: Its dataset is not here.
        UsageError: There can be no such benchmark.
    """
    algorithm = _entrant("algorithm", record.algorithm, machine.plugins)
    backbone = _entrant("backbone", record.backbone, machine.plugins)
    told = _described([algorithm.plugin, backbone.plugin], machine)
    arena = _arena(record, machine)
    tokenizer = None if record.tokenizer is None else _tokenizer(record.tokenizer)
    n_threads = threads_of(record.environment.device_class)
    plan = RunPlan(
        benchmark=told_benchmark(record.benchmark),
        algorithm=algorithm,
        backbone=backbone,
        features_only=told[algorithm.plugin].features_only,
        pretraining=_pretraining(record, told[backbone.plugin]),
        budget=Budget(**record.budget.model_dump(exclude_none=True)),
        seed=record.seed,
        device=machine.device if n_threads is None else "cpu",
        precision=record.environment.precision,
        n_threads=n_threads or machine.n_threads,
        tokenizer=tokenizer,
    )
    model = plan.backbone.plugin.model
    arena = arena if tokenizer is None else arena.tokenized(tokenizer, machine.places, model)
    return Repeatable(plan, arena, tuple(_differences(record, Planned.of(plan, arena))))


def _entrant(kind: Kind, part: PluginPart, files: Path) -> Entrant:
    """The plugin of a record, if it is here as it ran."""
    plugin = _plugin(kind, part, files)
    source_hash = read_source(plugin).digest
    if source_hash != part.source_hash:
        raise NotRepeatableError(
            f"{kind.capitalize()} {part.name!r} has source {source_hash} here; the result was made with "
            f"{part.source_hash}. Take the version that ran ({part.distribution} {part.version})."
        )
    return Entrant(plugin, tuple(sorted(part.options.items())), source_hash)


def _plugin(kind: Kind, part: PluginPart, files: Path) -> Plugin:
    if part.distribution == _FILE:
        module, _, class_name = part.target.partition(":")
        if not (files / f"{module}.py").is_file():
            raise NotRepeatableError(
                f"{kind.capitalize()} {part.name!r} ran from a file {module}.py; {str(files)!r} has none. "
                "Name the folder where it lies by --plugins."
            )
        return find(kind, f"{files / module}.py:{class_name}")
    for plugin in installed(kind):
        if (plugin.distribution, plugin.target) == (part.distribution, part.target):
            model = part.name.partition(":")[2]
            return with_model(plugin, model) if model else plugin
    raise NotRepeatableError(
        f"{kind.capitalize()} {part.name!r} ({part.target}) of {part.distribution} {part.version} is not "
        "installed. Install it."
    )


def _described(plugins: Sequence[Plugin], machine: Machine) -> dict[Plugin, Description]:
    described = {}
    for plugin, told in describe_plugins(plugins, machine.places).items():
        if isinstance(told, Undescribed):
            kind = plugin.kind.capitalize()
            raise NotRepeatableError(f"{kind} {plugin.name!r} cannot be used: {told.reason}.")
        described[plugin] = told
    return described


def _pretraining(record: Record, backbone: Description) -> str:
    if record.pretraining != backbone.pretraining:
        raise NotRepeatableError(
            f"Pretraining is {record.pretraining!r} in the record; the backbone {record.backbone.name!r} "
            f"declares {backbone.pretraining!r}. Do not trust the record."
        )
    return record.pretraining


def _arena(record: Record, machine: Machine) -> Arena:
    arena, told = machine.arena(record.benchmark), record.benchmark
    if arena.part != told:
        raise NotRepeatableError(
            f"Benchmark {told.name!r} has the episodes {arena.part.manifest_hash[:16]} here; the result's "
            f"are {told.manifest_hash[:16]}. Take the data and the metabench that it ran on."
        )
    return arena


def _tokenizer(part: TokenizerPart) -> Tokenizer:
    told = part.model_dump(exclude={"library"})
    try:
        return Tokenizer(**told)
    except ValueError as error:
        raise NotRepeatableError(f"The record tells of no tokenizer: {error}.") from error


def _differences(record: Record, planned: Planned) -> list[str]:
    there, here = _told(record.environment), _told(planned.environment)
    libraries = (
        None if part is None else part.library for part in (record.tokenizer, planned.parts.tokenizer)
    )
    there["tokenizers"], here["tokenizers"] = libraries
    differ = [name for name in there if there[name] != here[name]]
    return [f"{name} {str(there[name])[:_SHORT]} → {str(here[name])[:_SHORT]}" for name in differ]


def _told(environment: EnvironmentPart) -> dict[str, str | None]:
    return environment.model_dump(exclude=set(INCIDENTAL))
