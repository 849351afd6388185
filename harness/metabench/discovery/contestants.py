"""Find algorithms and backbones: entry points of installed packages, or one file.

Nothing here imports a plugin. A plugin that cannot even be located says so in `metabench list`; one
that fails while it is imported does so in its own process.
"""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.discovery.models import find_model
from metabench.discovery.plugin import Kind, Plugin, provider
from metabench.errors import UsageError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable

GROUPS: dict[Kind, str] = {"algorithm": "metabench.algorithms", "backbone": "metabench.backbones"}


def installed(kind: Kind) -> list[Plugin]:
    """All plugins of a kind, sorted by name; two providers of one name are both listed."""
    found = {_from_entry_point(kind, point) for point in entry_points(group=GROUPS[kind])}
    return sorted(found, key=lambda plugin: (plugin.name, plugin.distribution))


def find(kind: Kind, name: str) -> Plugin:
    """Resolve what stands on the command line: NAME, DISTRIBUTION:NAME, PATH.py:CLASS or BACKBONE:MODEL.

    Raises:
        UsageError: Nothing, or more than one package, answers to the name, or the model is not here.
    """
    source, _, rest = name.rpartition(":")
    if source.endswith(".py") or rest.endswith(".py"):
        return _from_file(kind, name)
    candidates = installed(kind)
    matches = [plugin for plugin in candidates if plugin.name == rest and source in ("", plugin.distribution)]
    if not matches and source and kind == "backbone":
        base, _, model = name.partition(":")
        matches = [with_model(plugin, model) for plugin in candidates if plugin.name == base]
    if not matches:
        raise unknown_name(kind, name, {_as_asked(plugin, source) for plugin in candidates})
    if len(matches) > 1:
        raise _ambiguous(kind, matches)
    return matches[0]


def _from_entry_point(kind: Kind, point: EntryPoint) -> Plugin:
    distribution, version = provider(point)
    target = point.value.partition("[")[0].replace(" ", "")
    return Plugin(kind, point.name, target, distribution, version)


def with_model(plugin: Plugin, model: str) -> Plugin:
    """A backbone with the pretrained model that stands behind its name.

    Raises:
        UsageError: The model is not here.
    """
    return replace(plugin, name=f"{plugin.name}:{model}", model=find_model(plugin.name, model))


def _as_asked(plugin: Plugin, source: str) -> str:
    """What to type for a plugin, with its distribution where that was typed."""
    return f"{plugin.distribution}:{plugin.name}" if source else plugin.name


def _from_file(kind: Kind, name: str) -> Plugin:
    file, _, class_name = name.rpartition(":") if not name.endswith(".py") else (name, "", "")
    path = Path(file)
    if not class_name.isidentifier():
        raise UsageError(f"Plugin file {name!r} names no class; expected PATH.py:CLASS. Add ':CLASS'.")
    if not path.is_file():
        raise UsageError(f"Plugin file {str(path)!r} does not exist; expected PATH.py:CLASS. Check the path.")
    if not path.stem.isidentifier():
        raise UsageError(
            f"Plugin file {path.name!r} cannot be imported; expected letters, digits and '_' before '.py'. "
            "Rename it."
        )
    return Plugin(
        kind=kind,
        name=class_name,
        target=f"{path.stem}:{class_name}",
        distribution="(file)",
        version="",
        search_path=path.resolve().parent,
    )


def _ambiguous(kind: Kind, matches: Iterable[Plugin]) -> UsageError:
    providers = [f"{plugin.distribution} {plugin.version}" for plugin in matches]
    first = next(iter(matches))
    return UsageError(
        f"{len(providers)} packages provide the {kind} {first.name!r}: {' and '.join(providers)}. "
        f"Name one as '{first.distribution}:{first.name}'."
    )
