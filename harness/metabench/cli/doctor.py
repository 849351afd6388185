"""`metabench doctor`: what this machine offers to runs, and what to mend."""

from __future__ import annotations

import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psutil

from metabench.cli.evaluate import n_cores
from metabench.cli.output import as_json, print_fields
from metabench.cli.state import State, pass_state
from metabench.discovery.contestants import installed
from metabench.discovery.source import BrokenPluginError, read_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.data.places import Places

_GIB = 2**30
_LEAST_FREE_GIB = 2


@click.command("doctor")
@as_json
@pass_state
def doctor(state: State, *, as_json: bool) -> int:
    """Tell what this machine offers to runs, and what is wrong with it.

    A contestant is started, so that what it cannot reach is found out, not supposed. If there is a problem,
    the exit code is 1.
    """
    # Imported here, as they load what `list` and `--help` do without.
    from metabench.referee.cgroup import find_parent  # noqa: PLC0415
    from metabench.referee.gpu import find_gpus  # noqa: PLC0415

    gpus = find_gpus()
    kinds = gpus.name if gpus is not None else ""
    out_of_reach, problem = _isolation()
    problems = [
        *problem,
        *_problems_with_gpus(version("torch"), kinds),
        *_problems_with_data(state),
        *_problems_with_plugins(state),
    ]
    told = {
        "metabench": f"{version('metabench')} on Python {platform.python_version()}",
        "torch": version("torch"),
        "cores": n_cores(),
        "memory": f"{psutil.virtual_memory().total / _GIB:.1f} GiB",
        "GPUs": kinds or "none",
        "out of methods' reach": ", ".join(sorted(out_of_reach)) or "nothing",
        "memory is limited by": "the kernel" if find_parent() else "looking at it, several times a second",
        "data": f"{state.places.home} ({_free_gib(state.places):.1f} GiB free)",
        "mirror": str(state.places.mirror or "none"),
        "plugins": f"{len(installed('algorithm'))} algorithms, {len(installed('backbone'))} backbones",
        "problems": problems,
    }
    print_fields(told, as_json=as_json)
    return int(bool(problems))


def _isolation() -> tuple[frozenset[str], list[str]]:
    """What contestants cannot reach here, and what is wrong with that."""
    from metabench.referee.isolation import WHOLE, isolation_here  # noqa: PLC0415
    from metabench.referee.outcome import RunError  # noqa: PLC0415

    try:
        found = isolation_here()
    except RunError as error:
        return frozenset(), [f"No contestant starts here: {error.message}. No run can be made."]
    missing = sorted(WHOLE - found - ({"network"} if "TCP" in found else set()))
    if not missing:
        return found, []
    problem = (
        f"Methods can reach {', '.join(missing)}; records of runs will say so. Use Linux with Landlock, or "
        "one that lets users make namespaces."
    )
    return found, [problem]


def _problems_with_gpus(torch: str, kinds: str) -> Iterator[str]:
    if kinds and "+cpu" in torch:
        yield f"There are GPUs ({kinds}), but torch {torch} computes on none. Install a torch for GPUs."


def _problems_with_data(state: State) -> Iterator[str]:
    from metabench.data.health import examine  # noqa: PLC0415 - loads numpy

    if _free_gib(state.places) < _LEAST_FREE_GIB:
        yield (
            f"Folder {str(state.places.home)!r} has less than {_LEAST_FREE_GIB} GiB of room. Name another "
            "one by METABENCH_HOME."
        )
    mirror = state.places.mirror
    if isinstance(mirror, Path) and not mirror.is_dir():
        yield f"METABENCH_MIRROR names {str(mirror)!r}, which is no folder. Name another one, or none."
    for recipe in state.extensions.datasets.values():
        yield from examine(recipe, state.places, quick=True).damages


def _problems_with_plugins(state: State) -> Iterator[str]:
    for broken in state.extensions.broken:
        yield f"Extension {broken.name!r} of {broken.distribution} is skipped: {broken.reason}."
    for plugin in (*installed("algorithm"), *installed("backbone")):
        try:
            read_source(plugin)
        except BrokenPluginError as error:
            yield f"{plugin.kind.capitalize()} {plugin.name!r} of {plugin.distribution} is broken: {error}."


def _free_gib(places: Places) -> float:
    """Room where data lies, or will."""
    home = places.home.absolute()
    there = next(folder for folder in (home, *home.parents) if folder.is_dir())
    return shutil.disk_usage(there).free / _GIB
