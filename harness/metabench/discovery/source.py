"""The source of a contestant plugin, read as text: is it there, and what is its hash.

The hash is part of a run's identity, so an edited plugin is a new contestant even when nobody has
committed or renumbered anything. It covers the plugin's module and every module of the same package
(for a one-file plugin: of the same folder) that it imports, directly or not.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from dataclasses import dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.errors import MetabenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

    from metabench.discovery.plugin import Plugin


class BrokenPluginError(MetabenchError):
    """A plugin cannot be used; the message says why."""


@dataclass(frozen=True)
class Source:
    """What a plugin is made of.

    Attributes:
        files: Module name → file, the plugin's own module first.
        digest: sha256 over names and contents of all files.
    """

    files: dict[str, Path]
    digest: str


def read_source(plugin: Plugin) -> Source:
    """Locate a plugin's modules and hash them.

    Raises:
        BrokenPluginError: The module or class is not there, or the text is no Python.
    """
    path = [str(plugin.search_path)] if plugin.search_path else sys.path
    files = dict(_closure(plugin.module, path, own=_own_package(plugin)))
    _check_defines(files[plugin.module], plugin.class_name)
    digest = hashlib.sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{hashlib.sha256(files[name].read_bytes()).hexdigest()}\n".encode())
    return Source(files, digest.hexdigest())


def _own_package(plugin: Plugin) -> str | None:
    """Top-level package whose modules count as the plugin's; None: any module beside the file."""
    return None if plugin.search_path else plugin.module.partition(".")[0]


def _closure(module: str, path: list[str], own: str | None) -> Iterator[tuple[str, Path]]:
    """The module and all its own imports, each once."""
    waiting, seen = [module], {module}
    while waiting:
        name = waiting.pop(0)
        spec = locate(name, path)
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            if name == module:
                raise BrokenPluginError(f"module {module!r} not found")
            continue
        file = Path(spec.origin)
        yield name, file
        package = name if spec.submodule_search_locations else name.rpartition(".")[0]
        for imported in _imports(_parse(file), package):
            if imported not in seen and (own is None or imported.partition(".")[0] == own):
                seen.add(imported)
                waiting.append(imported)


def locate(module: str, path: list[str]) -> ModuleSpec | None:
    """Find a module's file without importing its parents; None if there is none."""
    spec: ModuleSpec | None = None
    name = ""
    for part in module.split("."):
        name = f"{name}.{part}" if name else part
        spec = PathFinder.find_spec(name, path)
        if spec is None:
            return None
        path = list(spec.submodule_search_locations or [])
    return spec


def _parse(file: Path) -> ast.Module:
    try:
        return ast.parse(file.read_bytes(), filename=str(file))
    except (SyntaxError, ValueError) as error:
        line = f" line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise BrokenPluginError(f"{file.name}{line} is no Python: {error.args[0]}") from error


def _imports(tree: ast.Module, package: str) -> Iterator[str]:
    """Dotted names that a module's text may import, each parent package included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, package)
            yield from _with_parents(origin)
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parents = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _check_defines(file: Path, class_name: str) -> None:
    names: set[str] = set()
    for node in _parse(file).body:
        if isinstance(node, ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names.update(alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            names.update(target.id for target in node.targets if isinstance(target, ast.Name))
    if class_name not in names:
        raise BrokenPluginError(f"{file.name} has no class {class_name!r}")
