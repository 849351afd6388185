"""The rooms of the core: data flows one way, and the plugin author's side knows nothing of the referee."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

CORE = Path(__file__).parents[1] / "harness" / "metabench"
PLUGINS = CORE.parents[1] / "plugins" / "metabench_plugins"
# A room may import from itself and from what stands before it.
ORDER = (
    {"agreement", "clock", "errors"},
    {"hooks"},
    {"discovery"},
    {"spec"},
    {"data"},
    {"episodes"},
    {"wire"},
    {"api"},
    {"contestant", "referee"},
    {"testing"},
    {"scoring"},
    {"results"},
    {"leaderboards"},
    {"site"},
    {"verification"},
    {"cli"},
)
CONTESTANTS = {"api", "contestant", "testing"}
# What runs in a contestant's process must not even be able to reach these.
HIDDEN_FROM_CONTESTANTS = {"referee", "data", "discovery", "results", "scoring", "leaderboards", "cli"}
MODULES = sorted(path.relative_to(CORE) for path in CORE.rglob("*.py") if path.name != "__init__.py")


def room_of(module: Path) -> str:
    return module.parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> Iterator[str]:
    for node in runtime_nodes(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("metabench."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.ImportFrom) and node.module == "metabench":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (
                alias.name.split(".")[1] for alias in node.names if alias.name.startswith("metabench.")
            )


def runtime_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only the type checker sees."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        yield child
        yield from runtime_nodes(child)


def rank(room: str) -> int:
    return next(index for index, rooms in enumerate(ORDER) if room in rooms)


def test_every_module_stands_in_a_known_room():
    known = set().union(*ORDER)
    assert {room_of(module) for module in MODULES} <= known


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_imports_from_its_own_room_or_from_rooms_before_it(module):
    own = room_of(module)
    for room in imported_rooms(CORE / module):
        assert room == own or rank(room) < rank(own), f"{module} imports {room}"


@pytest.mark.parametrize("module", [m for m in MODULES if room_of(m) in CONTESTANTS], ids=str)
def test_the_contestants_side_imports_nothing_of_the_referees(module):
    assert not HIDDEN_FROM_CONTESTANTS & set(imported_rooms(CORE / module))


@pytest.mark.parametrize(
    "path", sorted([*PLUGINS.glob("algorithms/*.py"), *PLUGINS.glob("backbones/*.py")]), ids=lambda p: p.stem
)
def test_first_party_contestants_use_what_a_stranger_would(path):
    assert set(imported_rooms(path)) <= {"api"}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_the_core_knows_no_plugin(module):
    assert "metabench_plugins" not in (CORE / module).read_text()
