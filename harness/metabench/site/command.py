"""The command that makes a result again."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from metabench.errors import UsageError
from metabench.leaderboards.text import printable
from metabench.results.environment import threads_of
from metabench.spec.budget import NAMED_BUDGETS, parse_budget

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.results.record import BudgetPart, PluginPart, Record
    from metabench.spec.budget import Budget

_OURS = "metabench"
_FILE = "(file)"


def evaluate_command(record: Record) -> Iterator[str]:
    """The command line that asks for a run, with every option as it was: defaults may change.

    A stranger's text in it is quoted for the shell; control characters are spelt out.

    Args:
        record: Of the run.

    Yields:
        An option with its value, or another word.
    """
    return (printable(shlex.join(words)) for words in _words(record))


def _words(record: Record) -> Iterator[tuple[str, ...]]:
    algorithm = _asked_as(record.algorithm)
    # A name that looks like an option is none.
    is_last = algorithm.startswith("-")
    yield ("metabench", "evaluate", *(() if is_last else (algorithm,)))
    yield "--benchmark", record.benchmark.name
    yield "--backbone", _asked_as(record.backbone)
    yield "--budget", _budget(record.budget)
    yield "--seeds", str(record.seed)
    yield "--device", _device(record)
    yield "--precision", record.environment.precision
    for plugin in (record.algorithm, record.backbone):
        for name, value in sorted(plugin.options.items()):
            yield "--set", f"{_own_name(plugin)}.{name}={_told(value)}"
    if is_last:
        yield "--", algorithm


def about_command(record: Record) -> Iterator[str]:
    """What the same number needs besides, a sentence each."""
    told = record.environment
    yield f"With Python {told.python}, torch {told.torch}, numpy {told.numpy}, metabench {told.metabench}."
    for plugin in (record.algorithm, record.backbone):
        if plugin.distribution not in (_OURS, _FILE):
            yield f"{plugin.name} is from the package {plugin.distribution} {plugin.version}."
    if _FILE in (record.algorithm.distribution, record.backbone.distribution):
        yield "In the folder of the plugin's file."
    threads = threads_of(told.device_class)
    if threads:
        cores = "core" if threads == 1 else "cores"
        yield f"On {threads} {cores}: the run computed in as many threads as it could use cores."
    else:
        yield f"On {told.device_class}."
    if _request(record.budget) is None:
        yield (
            f"Its limits ({record.budget.memory_mib} MiB, {record.budget.adaptation_s:g} s per test episode) "
            "are of no budget that can be named on the command line: it will be another result."
        )


def _asked_as(plugin: PluginPart) -> str:
    if plugin.distribution == _FILE:
        module, _, class_name = plugin.target.partition(":")
        return f"./{module}.py:{class_name}"
    has_model = ":" in plugin.name
    return (
        plugin.name if plugin.distribution == _OURS or has_model else f"{plugin.distribution}:{plugin.name}"
    )


def _own_name(plugin: PluginPart) -> str:
    return plugin.name.partition(":")[0]


def _told(value: bool | float | str) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _budget(part: BudgetPart) -> str:
    return _request(part) or _amount(part)


def _amount(part: BudgetPart) -> str:
    return (
        f"{part.episodes}ep" if part.seconds is None else f"{part.seconds:.3f}".rstrip("0").rstrip(".") + "s"
    )


def _request(part: BudgetPart) -> str | None:
    """What to type for a budget; None if nothing gives just this one."""
    for name in (*NAMED_BUDGETS, _amount(part)):
        with suppress(UsageError):
            if _is(parse_budget(name), part):
                return name
    return None


def _is(budget: Budget, part: BudgetPart) -> bool:
    given = (budget.seconds, budget.episodes, budget.memory_mib, budget.adaptation_s)
    told = (part.seconds, part.episodes, part.memory_mib, part.adaptation_s)
    return given == told and part.device_memory_mib in (None, budget.device_memory_mib)


def _device(record: Record) -> str:
    return "cuda:0" if threads_of(record.environment.device_class) is None else "cpu"
