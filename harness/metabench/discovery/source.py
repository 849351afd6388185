"""The source of a contestant plugin, read as text: is it there, and what is its hash.

The hash is part of a run's identity, so an edited plugin is a new contestant even when nobody has
committed or renumbered anything. It covers the plugin's module, the packages around it, and every module
of the same top-level package (for a one-file plugin: of the same folder) that these import, directly or not.
Docstrings are left out, so that what a method reached can be written into its own.
"""

from __future__ import annotations

import ast
import hashlib
import sys
import threading
import warnings
from dataclasses import dataclass
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import metabench
from metabench.discovery.models import model_digest
from metabench.errors import MetabenchError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec

    from metabench.discovery.plugin import Plugin

_ENGINE = ("api", "contestant", "episodes")
# Python 3.11 builds one syntax tree at a time. Where the end of some garbage lets another thread go on, and
# that builds one too, both get a SystemError.
_ONE_TREE = threading.Lock()


class BrokenPluginError(MetabenchError):
    """A plugin cannot be used; the message says why."""


@dataclass(frozen=True)
class Source:
    """What a plugin is made of.

    Attributes:
        files: Module name → file, the plugin's own module first.
        digest: sha256 over names and contents of all files but their docstrings, and of its pretrained model.
        documented_digest: The same with docstrings.
    """

    files: dict[str, Path]
    digest: str
    documented_digest: str


def read_source(plugin: Plugin) -> Source:
    """Locate a plugin's modules and hash them.

    Raises:
        BrokenPluginError: The module or class is not there, or the text is no Python.
        UsageError: The model cannot be read.
    """
    if not plugin.module or not plugin.class_name:
        raise BrokenPluginError(f"{plugin.target!r} names no class; expected 'module:Class'")
    path = [str(plugin.search_path)] if plugin.search_path else sys.path
    files = dict(_closure(plugin.module, path, own=_own_package(plugin)))
    _check_defines(files[plugin.module], plugin.class_name)
    model = "" if plugin.model is None else model_digest(plugin.model)
    code = {name: _without_docstrings(file) for name, file in files.items()}
    whole = {name: _read(file) for name, file in files.items()}
    return Source(files, _digest(code, model), _digest(whole, model))


def _digest(texts: dict[str, bytes], model: str = "") -> str:
    digest = hashlib.sha256()
    for name in sorted(texts):
        digest.update(f"{name}\0{hashlib.sha256(texts[name]).hexdigest()}\n".encode())
    digest.update(f"model\0{model}\n".encode())
    return digest.hexdigest()


def module_files(module: str) -> dict[str, Path]:
    """Files of an installed module and of what it imports of its own package, by name.

    Raises:
        BrokenPluginError: It is not there, or the text is no Python.
    """
    return dict(_closure(module, sys.path, own=module.partition(".")[0]))


def _own_package(plugin: Plugin) -> str | None:
    """Top-level package whose modules count as the plugin's; None: any module beside the file."""
    return None if plugin.search_path else plugin.module.partition(".")[0]


def _closure(module: str, path: list[str], own: str | None) -> Iterator[tuple[str, Path]]:
    """The module, the packages around it, and all their own imports, each once."""
    waiting = [module, *list(_with_parents(module))[:-1]]
    seen = set(waiting)
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
    """Find a module's file without importing its parents; None if there is none.

    Args:
        module: Dotted name.
        path: Folders to look in. Where these are `sys.path`, the finders of editable installs count too.
    """
    top, *rest = _with_parents(module)
    spec = PathFinder.find_spec(top, path) or (_find_beside_path(top) if path is sys.path else None)
    for name in rest:
        if spec is None:
            return None
        spec = PathFinder.find_spec(name, list(spec.submodule_search_locations or []))
    return spec


def _find_beside_path(top: str) -> ModuleSpec | None:
    """Ask the finders that are not the path's own, as an editable install may put one there."""
    finders = (finder for finder in sys.meta_path if finder is not PathFinder)
    return next((spec for finder in finders if (spec := finder.find_spec(top, None))), None)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise BrokenPluginError(f"{file.name} cannot be read: {error.strerror}") from error


def _parse(file: Path) -> ast.Module:
    try:
        with _ONE_TREE, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about the plugin's text: its author's, not this user's
            return ast.parse(_read(file), filename=str(file))
    except SyntaxError as error:
        line = f" line {error.lineno}" if error.lineno else ""
        raise BrokenPluginError(f"{file.name}{line} is no Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise BrokenPluginError(f"{file.name} is no Python: {str(error) or type(error).__name__}") from error


def _without_docstrings(file: Path) -> bytes:
    """A module's text, docstrings cut out of it; what parsers make of the rest changes with their version."""
    lines = _read(file).splitlines(keepends=True)
    found = sorted(_docstrings(_parse(file)), key=lambda one: one.lineno, reverse=True)
    for one in found:  # from the last, as those above keep their place
        first, last = one.lineno - 1, (one.end_lineno or one.lineno) - 1
        kept = lines[first][: one.col_offset] + lines[last][one.end_col_offset :]
        lines[first : last + 1] = [kept]
    return b"".join(lines)


def _docstrings(tree: ast.Module) -> Iterator[ast.Expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            match node.body:
                case [ast.Expr(value=ast.Constant(value=str())) as first, *_]:
                    yield first


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
    parents = package.split(".") if package else []
    parents = parents[: max(0, len(parents) - node.level + 1)]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _check_defines(file: Path, class_name: str) -> None:
    """Refuse a module in which no statement can bind the name of the class.

    Raises:
        BrokenPluginError: It is so.
    """
    if {class_name, "*"}.isdisjoint(_bound_names(_parse(file))):
        raise BrokenPluginError(f"{file.name} has no class {class_name!r}")


def _bound_names(tree: ast.Module) -> Iterator[str]:
    """Names that may be classes, bound inside `if` and `try` too; "*" where only an import could tell."""
    waiting: list[ast.AST] = [*tree.body]
    while waiting:
        node = waiting.pop()
        match node:
            case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.FunctionDef(name="__getattr__"):
                yield "*"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
                continue
            case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
            case _:
                waiting.extend(ast.iter_child_nodes(node))


@cache
def engine_hash() -> str:
    """Hash the part of metabench that runs inside contestants and composes episodes, but for docstrings.

    A result that another engine made is another result.
    """
    root = Path(metabench.__file__).parent
    files = [path for room in _ENGINE for path in (root / room).glob("*.py")]
    return _digest({file.relative_to(root).as_posix(): _without_docstrings(file) for file in files})
