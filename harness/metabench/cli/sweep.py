"""From what stands on the command line to the plans of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeVar

from metabench.cli.settings import Settings
from metabench.discovery.contestants import find
from metabench.errors import UsageError
from metabench.referee.description import Description, Undescribed, describe_plugins
from metabench.results.arena import Arena, ArenaKey, arena_key, make_ready
from metabench.spec.benchmark import find_benchmark
from metabench.spec.budget import parse_budget
from metabench.spec.plan import RunPlan
from metabench.spec.suite import DEFAULT_SUITE
from metabench.spec.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metabench.data.places import Places
    from metabench.data.recipe import Modality, Recipe
    from metabench.discovery.plugin import Plugin
    from metabench.discovery.trusted import Extensions
    from metabench.spec.benchmark import Benchmark
    from metabench.spec.plan import Precision
    from metabench.spec.suite import Suite

DEFAULT_BUDGET = "small"

Declared = TypeVar("Declared", bool, str)


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words.

    Attributes:
        algorithms: Names; the suite's if there are none.
        benchmarks: Names of benchmarks and suites; the default suite if there are none.
        backbones: Names; each algorithm's or dataset's own if there are none.
        budget: A name or an amount; the suite's if it is None.
        seeds: One run each.
        device: "cpu" or "cuda:N".
        precision: Of the contestants' arithmetic.
        settings: "OPTION=VALUE" for all plugins that are named, "PLUGIN.OPTION=VALUE" for one.
        n_threads: Threads per run.
    """

    algorithms: tuple[str, ...]
    benchmarks: tuple[str, ...]
    backbones: tuple[str, ...]
    budget: str | None
    seeds: tuple[int, ...]
    device: str
    precision: Precision
    settings: tuple[str, ...]
    n_threads: int


@dataclass(frozen=True)
class Sweep:
    """Runs to be made, with the benchmarks that they are made on.

    Attributes:
        plans: In the order of the request.
        arenas: By name of the benchmark and, for texts, tokenizer and model.
        broken: Why a plugin cannot be asked what it declares; its runs fail.
    """

    plans: tuple[RunPlan, ...]
    arenas: Mapping[ArenaKey, Arena]
    broken: Mapping[Plugin, str]


def plan_sweep(request: Request, extensions: Extensions, places: Places) -> Sweep:
    """Resolve all names, open all datasets, ask all plugins for their options.

    Raises:
        UsageError: Something is unknown or does not fit together.
        DataError: A dataset cannot be opened.
    """
    suites, benchmarks = _benchmarks(request.benchmarks, extensions)
    budget = parse_budget(request.budget or (suites[0].budget if suites else DEFAULT_BUDGET))
    algorithms = [find("algorithm", name) for name in request.algorithms or _line_up(suites)]
    usual = [find("backbone", name) for name in _usual_backbones(request, benchmarks, extensions)]
    told = describe_plugins([*algorithms, *usual], places)
    recipes = {one: extensions.datasets[_learned_from(one)] for one in benchmarks}
    cells = [
        (benchmark, algorithm, name)
        for benchmark, algorithm in product(benchmarks, algorithms)
        for name in request.backbones or (_own_backbone(told[algorithm], recipes[benchmark]),)
    ]
    backbones = {name: find("backbone", name) for *_, name in cells}
    told |= describe_plugins([one for one in backbones.values() if one not in told], places)
    settings = Settings(request.settings, {one: told[one] for one in (*algorithms, *backbones.values())})
    arenas = {one.name: make_ready(one, extensions.datasets, places) for one in benchmarks}
    plans = []
    for (benchmark, algorithm, name), seed in product(cells, request.seeds):
        backbone, modality = backbones[name], recipes[benchmark].modality
        _check_modality(told[backbone], name, benchmark, modality)
        _check_model(told[backbone], backbone)
        plans.append(
            RunPlan(
                benchmark=benchmark,
                algorithm=settings.entrant(algorithm),
                backbone=settings.entrant(backbone),
                features_only=_declares(told[algorithm], "features_only", default=False),
                pretraining=_declares(told[backbone], "pretraining", default="none"),
                budget=budget,
                seed=seed,
                device=request.device,
                precision=request.precision,
                n_threads=request.n_threads,
                tokenizer=_tokenizer(told[backbone], modality),
            )
        )
    settings.check_all_used()
    keys = dict.fromkeys(arena_key(plan) for plan in plans)
    ran = dict.fromkeys(one.plugin for plan in plans for one in (plan.algorithm, plan.backbone))
    return Sweep(
        plans=tuple(dict.fromkeys(plans)),
        arenas={key: _as_seen(arenas[key[0]], key, places) for key in keys},
        broken={one: why.reason for one in ran if isinstance(why := told[one], Undescribed)},
    )


def _as_seen(arena: Arena, key: ArenaKey, places: Places) -> Arena:
    """A benchmark as a backbone sees it."""
    _, tokenizer, model = key
    return arena if tokenizer is None else arena.tokenized(tokenizer, places, model)


def _benchmarks(names: Sequence[str], extensions: Extensions) -> tuple[list[Suite], list[Benchmark]]:
    """The suites among some names, and all benchmarks that the names stand for."""
    suites = [extensions.suites[name] for name in names or (DEFAULT_SUITE,) if name in extensions.suites]
    wanted = [one for name in names or (DEFAULT_SUITE,) for one in _members(name, extensions)]
    declared, datasets = extensions.benchmarks, extensions.datasets
    return suites, [find_benchmark(name, declared, datasets) for name in dict.fromkeys(wanted)]


def _members(name: str, extensions: Extensions) -> tuple[str, ...]:
    suite = extensions.suites.get(name)
    return (name,) if suite is None else suite.benchmarks


def _line_up(suites: Sequence[Suite]) -> list[str]:
    """The algorithms that run when none is named.

    Raises:
        UsageError: No suite says so.
    """
    names = list(dict.fromkeys(name for suite in suites for name in suite.algorithms))
    if not names:
        raise UsageError(
            "No algorithm is named; expected at least one. `metabench list algorithms` shows them."
        )
    return names


def _usual_backbones(request: Request, benchmarks: Sequence[Benchmark], extensions: Extensions) -> list[str]:
    """Names of those that algorithms without a wish stand on."""
    own = (extensions.datasets[_learned_from(benchmark)].backbone for benchmark in benchmarks)
    return list(dict.fromkeys(request.backbones or own))


def _own_backbone(told: Description | Undescribed, recipe: Recipe) -> str:
    """What an algorithm stands on where the user names nothing: its own wish, else that of the dataset."""
    wishes = told.default_backbones if isinstance(told, Description) else {}
    return wishes.get(recipe.modality, recipe.backbone)


def _learned_from(benchmark: Benchmark) -> str:
    """Name of the dataset that contestants meta-train on; its backbone is the one that runs."""
    return benchmark.source or benchmark.dataset


def _check_modality(
    told: Description | Undescribed, backbone: str, benchmark: Benchmark, modality: str
) -> None:
    if isinstance(told, Description) and told.modality != modality:
        raise UsageError(
            f"Backbone {backbone!r} takes {told.modality}; benchmark {benchmark.name!r} has {modality}. "
            "Name another --backbone, or none."
        )


def _check_model(told: Description | Undescribed, backbone: Plugin) -> None:
    if isinstance(told, Undescribed) or told.takes_model == (backbone.model is not None):
        return
    name = backbone.own_name
    if told.takes_model:
        raise UsageError(
            f"Backbone {name!r} names no pretrained model; expected {f'{name}:MODEL'!r}, where MODEL is a "
            "file, a folder, or a name on the Hugging Face hub. Name one."
        )
    raise UsageError(f"Backbone {name!r} takes no model; got {backbone.name!r}. Name it alone.")


def _declares(told: Description | Undescribed, name: str, default: Declared) -> Declared:
    """What a plugin declares; the default for one that cannot tell, as its run will fail anyway."""
    value: Declared = getattr(told, name, default)
    return value


def _tokenizer(told: Description | Undescribed, modality: Modality) -> Tokenizer | None:
    """What makes numbers of texts; the usual one where a backbone declares none or cannot tell."""
    if modality != "text":
        return None
    declared = told.tokenizer if isinstance(told, Description) else None
    return declared or Tokenizer()
