"""Load the trusted extensions and collect what they declare."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from metabench import hooks
from metabench.errors import MetabenchError, UsageError

if TYPE_CHECKING:
    from metabench.data.recipe import Recipe
    from metabench.leaderboards.renderer import Renderer
    from metabench.referee.events import Listener
    from metabench.results.executor import Executor
    from metabench.scoring.metric import Metric
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
    """The loaded trusted extensions; each property maps the names of one kind to its records."""

    manager: pluggy.PluginManager
    broken: list[Broken] = field(default_factory=list)

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
    def executors(self) -> dict[str, Executor]:
        """Executors by name."""
        return self._named("executor", "metabench_executors")

    @property
    def renderers(self) -> dict[str, Renderer]:
        """Renderers by name."""
        return self._named("renderer", "metabench_renderers")

    @property
    def listeners(self) -> list[Listener]:
        """All listeners to run events."""
        return [listener for listeners in self.manager.hook.metabench_listeners() for listener in listeners]

    def provider(self, record: object) -> str:
        """Name of the extension that declared a record."""
        return self._providers[id(record)]

    @property
    def _providers(self) -> dict[int, str]:
        return {
            id(record): plugin
            for hook in _hook_names()
            for plugin, records in self._declared(hook)
            for record in records
        }

    def _declared(self, hook: str) -> list[tuple[str, list[Any]]]:
        """What each extension returns from a hook, in the order of the extensions' names."""
        implementations = getattr(self.manager.hook, hook).get_hookimpls()
        return sorted((one.plugin_name, one.function()) for one in implementations)

    def _named(self, kind: str, hook: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        provider: dict[str, str] = {}
        for plugin, records in self._declared(hook):
            for record in records:
                if record.name in found:
                    raise UsageError(
                        f"Two extensions provide the {kind} {record.name!r}: {provider[record.name]} and "
                        f"{plugin}; expected one. Uninstall one of them."
                    )
                found[record.name], provider[record.name] = record, plugin
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
        reason = _register(manager, point)
        if reason is not None:
            broken = Broken(point.name, point.dist.name if point.dist else "(unknown)", reason)
            if strict:
                raise UsageError(f"Extension {broken.name!r} of {broken.distribution} is broken: {reason}.")
            extensions.broken.append(broken)
    return extensions


def _hook_names() -> list[str]:
    return [name for name in vars(hooks) if name.startswith("metabench_")]


def _register(manager: pluggy.PluginManager, point: EntryPoint) -> str | None:
    """Load and register one extension; the reason if that is impossible."""
    name = f"{point.dist.name if point.dist else '(unknown)'}:{point.name}"
    try:
        manager.register(point.load(), name=name)
        manager.check_pending()
    except MetabenchError as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    else:
        return None
    manager.unregister(name=name)
    return " ".join(reason.split())
