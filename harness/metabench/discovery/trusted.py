"""Load the trusted extensions and collect what they declare."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from importlib.util import cache_from_source
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from metabench import hooks
from metabench.discovery.plugin import provider
from metabench.discovery.source import BrokenPluginError, module_files
from metabench.errors import MetabenchError, UsageError

if TYPE_CHECKING:
    import click

    from metabench.data.recipe import Recipe
    from metabench.leaderboards.renderer import Renderer
    from metabench.referee.events import Listener
    from metabench.results.executor import Executor
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric
    from metabench.spec.benchmark import Benchmark
    from metabench.spec.suite import Suite

GROUP = "metabench"


@dataclass(frozen=True)
class Broken:
    """An extension that could not be loaded, and why."""

    name: str
    distribution: str
    reason: str


@dataclass
class Extensions:
    """The loaded trusted extensions; each property maps the names of one kind to its records.

    Attributes:
        manager: Knows the extensions that are not broken.
        broken: Those that are.
        declared: "DISTRIBUTION:NAME" of an extension → hook → the records it returned when it was loaded.
    """

    manager: pluggy.PluginManager
    broken: list[Broken] = field(default_factory=list)
    declared: dict[str, dict[str, list[Any]]] = field(default_factory=dict)

    @property
    def datasets(self) -> dict[str, Recipe]:
        """Recipes by name."""
        return self._named("dataset", "metabench_datasets")

    @property
    def benchmarks(self) -> dict[str, Benchmark]:
        """Declared benchmarks by name."""
        return self._named("benchmark", "metabench_benchmarks")

    @property
    def suites(self) -> dict[str, Suite]:
        """Suites by name."""
        return self._named("suite", "metabench_suites")

    @property
    def metrics(self) -> dict[str, Metric]:
        """Metrics by name."""
        return self._named("metric", "metabench_metrics")

    @property
    def pooled_metrics(self) -> dict[str, PooledMetric]:
        """Pooled metrics by name, which is no other metric's."""
        every = self._named("metric", "metabench_metrics", "metabench_pooled_metrics")
        return {name: one for name, one in every.items() if name not in self.metrics}

    @property
    def executors(self) -> dict[str, Executor]:
        """Executors by name."""
        return self._named("executor", "metabench_executors")

    @property
    def renderers(self) -> dict[str, Renderer]:
        """Renderers by name."""
        return self._named("renderer", "metabench_renderers")

    @property
    def commands(self) -> dict[str, click.Command]:
        """Further commands by name."""
        return self._named("command", "metabench_commands")

    @property
    def listeners(self) -> list[Listener]:
        """All listeners to run events, in the order of their extensions' names."""
        return [listener for _, listener in self._records("metabench_listeners")]

    def provider(self, record: object) -> str:
        """Name of the extension that declared a record."""
        every = (pair for hook in _hook_names() for pair in self._records(hook))
        return next((extension for extension, declared in every if declared is record), "(unknown)")

    def _records(self, hook: str) -> list[tuple[str, Any]]:
        """What the extensions return from a hook, each with the name of its extension."""
        return [
            (extension, record)
            for extension, by_hook in sorted(self.declared.items())
            for record in by_hook.get(hook, [])
        ]

    def _named(self, kind: str, *hooks: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        provider: dict[str, str] = {}
        for extension, record in (pair for hook in hooks for pair in self._records(hook)):
            if record.name in found:
                raise UsageError(
                    f"Two extensions provide the {kind} {record.name!r}: {provider[record.name]} and "
                    f"{extension}; expected one. Uninstall one of them."
                )
            found[record.name], provider[record.name] = record, extension
        return dict(sorted(found.items()))


def load_extensions(*, strict: bool = False) -> Extensions:
    """Load every trusted extension; one that fails is set aside and reported, not fatal.

    Args:
        strict: Make the first failure fatal.

    Raises:
        UsageError: `strict`, and an extension is broken.
    """
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hooks)
    extensions = Extensions(manager)
    for point in sorted(set(entry_points(group=GROUP)), key=lambda point: (point.name, point.value)):
        distribution, _ = provider(point)
        name = f"{distribution}:{point.name}"
        try:
            extensions.declared[name] = _register(manager, point, name)
        except (Exception, SystemExit) as error:
            if manager.has_plugin(name):
                manager.unregister(name=name)
            broken = Broken(point.name, distribution, _reason(error))
            if strict:
                raise _fatal(broken) from error
            extensions.broken.append(broken)
    return extensions


@cache
def extension_files() -> frozenset[Path]:
    """What trusted extensions are made of: source, its compiled form, and data named after a module.

    `__init__` files are left out, as others in the package need them.
    """
    source: set[Path] = set()
    for module in {point.module for point in entry_points(group=GROUP)}:
        with suppress(BrokenPluginError):
            source |= {file for file in module_files(module).values() if file.name != "__init__.py"}
    compiled = {Path(cache_from_source(file)) for file in source}
    named_after = {path for file in source for path in file.parent.glob(f"{file.stem}[._]*")}
    folders = {file.with_suffix("") for file in source}
    return frozenset(source | named_after | {path for path in compiled | folders if path.exists()})


def _hook_names() -> list[str]:
    return [name for name in vars(hooks) if name.startswith("metabench_")]


def _register(manager: pluggy.PluginManager, point: EntryPoint, name: str) -> dict[str, list[Any]]:
    """Load and register one extension, and ask it once for what it declares; by the names of hooks.

    Raises:
        Exception: Whatever its code raises.
    """
    extension = point.load()
    manager.register(extension, name=name)
    manager.check_pending()
    implementations = [
        (caller.name, one)
        for caller in manager.get_hookcallers(extension) or []
        for one in caller.get_hookimpls()
        if one.plugin is extension
    ]
    marked = {hook for hook, _ in implementations}
    unmarked = [hook for hook in _hook_names() if hasattr(extension, hook) and hook not in marked]
    if unmarked:
        raise MetabenchError(f"{unmarked[0]} is not marked; @hookimpl is expected above it")
    if not marked:
        raise MetabenchError("it implements no hook; functions marked with @hookimpl are expected")
    return {hook: _checked(hook, one.function()) for hook, one in implementations}


def _checked(hook: str, records: object) -> list[Any]:
    if not isinstance(records, list):
        raise MetabenchError(f"{hook} returned {records!r}; a list is expected")
    for record in records:
        if hook != "metabench_listeners" and not isinstance(getattr(record, "name", None), str):
            raise MetabenchError(f"{hook} returned {record!r}, which has no name")
    return records


def _reason(error: BaseException) -> str:
    told = str(error) if isinstance(error, MetabenchError) else f"{type(error).__name__}: {error}"
    return " ".join(told.split()).rstrip(".")


def _fatal(broken: Broken) -> UsageError:
    return UsageError(
        f"Extension {broken.name!r} of {broken.distribution} is broken: {broken.reason}. "
        "Mend or uninstall it, or leave out --strict-plugins."
    )
