"""From what stands on the command line to the plans of a sweep."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, TypeVar

from metabench.discovery.contestants import find
from metabench.discovery.source import BrokenPluginError, read_source
from metabench.errors import UsageError, unknown_name
from metabench.referee.description import Description, Undescribed, describe_plugins
from metabench.results.arena import Arena, ArenaKey, arena_key, make_ready
from metabench.spec.benchmark import find_benchmark
from metabench.spec.budget import parse_budget
from metabench.spec.plan import Entrant, RunPlan
from metabench.spec.suite import DEFAULT_SUITE
from metabench.spec.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from metabench.data.places import Places
    from metabench.data.recipe import Modality
    from metabench.discovery.plugin import Plugin
    from metabench.discovery.trusted import Extensions
    from metabench.spec.benchmark import Benchmark
    from metabench.spec.plan import OptionValue, Precision
    from metabench.spec.suite import Suite

DEFAULT_BUDGET = "small"
_EXPECTED = {"bool": "true or false", "int": "a whole number", "float": "a number", "str": "a text"}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}

Declared = TypeVar("Declared", bool, str)


@dataclass(frozen=True)
class Request:
    """What a user asks for, in words.

    Attributes:
        algorithms: Names; the suite's if there are none.
        benchmarks: Names of benchmarks and suites; the default suite if there are none.
        backbones: Names; each dataset's own if there are none.
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
    """

    plans: tuple[RunPlan, ...]
    arenas: Mapping[ArenaKey, Arena]


def plan_sweep(request: Request, extensions: Extensions, places: Places) -> Sweep:
    """Resolve all names, open all datasets, ask all plugins for their options.

    Raises:
        UsageError: Something is unknown or does not fit together.
        DataError: A dataset cannot be opened.
    """
    suites, benchmarks = _benchmarks(request.benchmarks, extensions)
    budget = parse_budget(request.budget or (suites[0].budget if suites else DEFAULT_BUDGET))
    algorithms = [find("algorithm", name) for name in request.algorithms or _line_up(suites)]
    backbones = {name: find("backbone", name) for name in _backbone_names(request, benchmarks, extensions)}
    told = describe_plugins([*algorithms, *backbones.values()], places)
    settings = _Settings(request.settings, told)
    arenas = {one.name: make_ready(one, extensions.datasets, places) for one in benchmarks}
    plans = []
    for benchmark, algorithm in product(benchmarks, algorithms):
        recipe = extensions.datasets[_learned_from(benchmark)]
        for backbone, seed in product(request.backbones or (recipe.backbone,), request.seeds):
            _check_modality(told[backbones[backbone]], backbone, benchmark, recipe.modality)
            _check_model(told[backbones[backbone]], backbones[backbone])
            plans.append(
                RunPlan(
                    benchmark=benchmark,
                    algorithm=settings.entrant(algorithm),
                    backbone=settings.entrant(backbones[backbone]),
                    features_only=_declares(told[algorithm], "features_only", default=False),
                    pretraining=_declares(told[backbones[backbone]], "pretraining", default="none"),
                    budget=budget,
                    seed=seed,
                    device=request.device,
                    precision=request.precision,
                    n_threads=request.n_threads,
                    tokenizer=_tokenizer(told[backbones[backbone]], recipe.modality),
                )
            )
    settings.check_all_used()
    keys = dict.fromkeys(arena_key(plan) for plan in plans)
    return Sweep(
        plans=tuple(dict.fromkeys(plans)),
        arenas={key: _as_seen(arenas[key[0]], key, places) for key in keys},
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


def _backbone_names(request: Request, benchmarks: Sequence[Benchmark], extensions: Extensions) -> list[str]:
    own = (extensions.datasets[_learned_from(benchmark)].backbone for benchmark in benchmarks)
    return list(dict.fromkeys(request.backbones or own))


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


class _Settings:
    """The `--set` values of a command, and which plugin each belongs to.

    Raises:
        UsageError: A text that is no setting.
    """

    def __init__(self, texts: Sequence[str], told: Mapping[Plugin, Description | Undescribed]) -> None:
        self._told = told
        self._settings = [_split(text) for text in texts]

    def check_all_used(self) -> None:
        """Refuse a setting for a plugin that takes no part.

        Raises:
            UsageError: There is one.
        """
        names = {plugin.own_name for plugin in self._told}
        for owner, _, _ in self._settings:
            if owner and owner not in names:
                raise unknown_name("plugin in --set", owner, names)

    def entrant(self, plugin: Plugin) -> Entrant:
        """A plugin with every option's value.

        Raises:
            UsageError: It has no such option, or the value is of another type.
        """
        told = self._told[plugin]
        default_owner = plugin.own_name if plugin.kind == "algorithm" else None
        given = {
            name: text for owner, name, text in self._settings if (owner or default_owner) == plugin.own_name
        }
        options: dict[str, OptionValue] = dict(given)
        if isinstance(told, Description):
            options = {name: option.default for name, option in told.options.items()}
            options |= {name: _value(plugin, told, name, text) for name, text in given.items()}
        try:
            source_hash = read_source(plugin).digest
        except BrokenPluginError:
            source_hash = ""
        return Entrant(plugin, tuple(sorted(options.items())), source_hash)


def _split(text: str) -> tuple[str, str, str]:
    """Cut `maml.inner_lr=0.1` into owner, option and value; the owner is empty where none is named."""
    name, equals, value = text.partition("=")
    owner, _, option = name.rpartition(".")
    if not equals or not option:
        raise UsageError(f"Setting {text!r} is no setting; expected OPTION=VALUE or PLUGIN.OPTION=VALUE.")
    return owner, option, value


def _value(plugin: Plugin, told: Description, name: str, text: str) -> OptionValue:
    """A setting's text as the type of its option."""
    if name not in told.options:
        raise unknown_name(f"option of {plugin.name}", name, told.options)
    kind = told.options[name].type
    try:
        if kind == "bool":
            return _BOOLEANS[text.lower()]
        number: OptionValue = {"int": int, "float": float, "str": str}[kind](text)
    except (ValueError, KeyError) as error:
        raise UsageError(
            f"Option {name!r} of {plugin.name!r} is {text!r}; expected {_EXPECTED[kind]}. "
            f"Its default is {told.options[name].default!r}."
        ) from error
    return number
