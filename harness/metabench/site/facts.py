"""What a record tells, in facts for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.leaderboards.text import NOTHING, printable
from metabench.results.calibration import speed
from metabench.site.numbers import number
from metabench.site.page import Fact, Facts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.results.record import PluginPart, Record

# Text of strangers that a page shows of one thing, in characters, and how many things of a kind.
LONGEST_TEXT = 4000
_LONGEST_VALUE = 300
_MOST = 200


def facts_of(record: Record) -> Iterator[Facts]:
    """What ran, on what, what it spent, what the audit found."""
    yield Facts("Algorithm", tuple(_plugin(record.algorithm)))
    yield Facts("Backbone", (*_plugin(record.backbone), _fact("pretraining", record.pretraining)))
    if record.tokenizer is not None:
        told = record.tokenizer.model_dump().items()
        yield Facts("Tokenizer", tuple(_fact(name.replace("_", " "), str(value)) for name, value in told))
    yield Facts("Benchmark", tuple(_benchmark(record)))
    yield Facts("Spent", tuple(_spent(record)))
    yield Facts("Machine", tuple(_machine(record)))
    yield Facts("Audit", tuple(_audit(record)))
    files = [_fact(name, f"sha256 {digest}") for name, digest in record.files.items()]
    yield Facts("Files", (_fact("identity", record.identity), *files[:_MOST]))


def _plugin(plugin: PluginPart) -> Iterator[Fact]:
    yield _fact("name", plugin.name)
    yield _fact("package", f"{plugin.distribution} {plugin.version}".strip())
    yield _fact("class", plugin.target)
    yield _fact("source hash", plugin.source_hash)
    for name, value in sorted(plugin.options.items())[:_MOST]:
        yield _fact(f"option {name}", str(value))


def _benchmark(record: Record) -> Iterator[Fact]:
    told = record.benchmark
    yield _fact("name", told.name)
    yield _fact("protocol", told.protocol)
    yield _fact("episodes", number(told.n_episodes))
    if told.source is not None:
        yield _fact("learned from", told.source.name)
    yield _fact("tested on", told.dataset.name)
    yield _fact("sha256 of the episodes", told.manifest_hash)


def _spent(record: Record) -> Iterator[Fact]:
    spent, budget, compute = record.spent, record.budget, record.compute
    amount = number(budget.episodes, "episodes") if budget.seconds is None else number(budget.seconds, "s")
    yield _fact("budget", f"{amount} of meta-training, {number(budget.memory_mib, 'MiB')}")
    yield _fact("meta-training", number(spent.meta_training_s, "s"))
    yield _fact("processor time", number(spent.processor_s, "s"))
    yield _fact("start, not charged", number(spent.startup_s, "s"))
    yield _fact("test", number(spent.test_s, "s"))
    yield _fact("peak memory", number(spent.peak_memory_mib, "MiB"))
    if spent.peak_device_mib is not None:
        yield _fact("peak memory of GPUs", number(spent.peak_device_mib, "MiB"))
    yield _fact("optimiser steps", number(spent.steps))
    yield _fact("meta-training episodes", number(spent.episodes))
    yield _fact("examples drawn", number(spent.examples))
    if compute is not None:
        yield _fact("parameters", number(compute.parameters))
        yield _fact("operations of a training step", number(compute.per_training_step))
        yield _fact("operations of a test episode", number(compute.per_test_episode))
        if compute.uncounted:
            yield _fact("without the operations of", ", ".join(compute.uncounted))
        if compute.problem:
            yield _fact("not counted", compute.problem)


def _machine(record: Record) -> Iterator[Fact]:
    told, calibration = record.environment, record.calibration
    yield _fact("started", record.started)
    yield _fact("device class", told.device_class)
    yield _fact("precision", told.precision)
    yield _fact("processor", told.processor or "unknown")
    yield _fact("platform", told.platform)
    yield _fact("software", f"Python {told.python}, torch {told.torch}, numpy {told.numpy}")
    yield _fact("metabench", told.metabench)
    yield _fact("out of the method's reach", told.isolation)
    if calibration is not None:
        steady = "steady" if calibration.is_steady else "not steady"
        yield _fact("speed", f"{steady}: changed by {number(100 * calibration.drift, '%')} during the run")
        times_as_fast = speed(calibration)
        if times_as_fast is not None:
            yield _fact("of the reference machine", f"{number(times_as_fast)} times as fast")


def _audit(record: Record) -> Iterator[Fact]:
    audit = record.audit
    yield _fact("verdict", audit.verdict)
    if audit.verdict != "not audited":
        yield _fact("episodes asked again", number(audit.n_episodes))
        yield _fact("difference by chance", number(audit.noise_floor))
        yield _fact("by other queries", number(audit.from_company))
        yield _fact("by earlier episodes", number(audit.from_history))


def failure_of(record: Record) -> Facts | None:
    """How a run failed; None if it did not."""
    failure = record.failure
    if failure is None:
        return None
    told = [
        Fact("what happened", cut(failure.message)),
        _fact("while", failure.phase),
        Fact("to blame", record.blame),
    ]
    if failure.exit_code is not None:
        told.append(Fact("exit code", str(failure.exit_code)))
    if failure.signal is not None:
        told.append(_fact("signal", failure.signal))
    return Facts("How it failed", tuple(told))


def last_lines(record: Record) -> str:
    """The last that a failed run printed, line by line."""
    if record.failure is None:
        return ""
    lines = record.failure.stderr_tail[-LONGEST_TEXT:].splitlines()
    return "\n".join(map(printable, lines))


def _fact(name: str, value: str) -> Fact:
    return Fact(cut(name, _LONGEST_VALUE), cut(value, _LONGEST_VALUE) or NOTHING)


def cut(words: str, longest: int = LONGEST_TEXT) -> str:
    """A stranger's text, printable, and cut visibly where it is too long."""
    told = printable(words[: longest + 1])
    return told if len(told) <= longest else f"{told[: longest - 1]}…"
