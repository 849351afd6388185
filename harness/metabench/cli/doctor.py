"""`metabench doctor`: what this machine offers to runs, and what to mend."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import click
import psutil

from metabench.cli.evaluate import choose_device, n_cores
from metabench.cli.output import as_json, print_fields
from metabench.cli.state import State, pass_state
from metabench.discovery.contestants import installed
from metabench.discovery.source import BrokenPluginError, read_source
from metabench.errors import MetabenchError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_GIB = 2**30
_LEAST_FREE_GIB = 2
_BY_NAMESPACES = {"network", "paths"}
_BY_LANDLOCK = {"signals"}


@click.command("doctor")
@as_json
@pass_state
def doctor(state: State, *, as_json: bool) -> int:
    """Tell what this machine offers to runs, and what is wrong with it.

    A contestant is started, so that what it cannot reach is found out, not supposed. If there is a problem,
    the exit code is 1.
    """
    home = state.places.home.absolute()
    device, gpus = choose_device("auto"), _gpus()
    out_of_reach, problems = _isolation()
    for section in (
        lambda: _problems_with_gpus(device, gpus),
        lambda: _problems_with_home(home),
        lambda: _problems_with_data(state),
        lambda: _problems_with_plugins(state),
    ):
        problems += _told(section)
    told = {
        "metabench": f"{version('metabench')} on Python {platform.python_version()}",
        "torch": version("torch"),
        "device": device,
        "cores": n_cores(),
        "memory": f"{psutil.virtual_memory().total / _GIB:.1f} GiB",
        "GPUs": gpus or "none",
        "out of methods' reach": "not known" if out_of_reach is None else ", ".join(sorted(out_of_reach)),
        "memory is limited by": _limited_by(),
        "data": f"{home} ({_free_gib(home):.1f} GiB free)",
        "mirror": str(state.places.mirror or "none"),
        "plugins": f"{len(installed('algorithm'))} algorithms, {len(installed('backbone'))} backbones",
        "problems": problems,
    }
    print_fields(told, as_json=as_json)
    return int(bool(problems))


def _told(section: Callable[[], Iterable[str]]) -> list[str]:
    """What a section finds; what keeps it from looking is a problem too."""
    try:
        return list(section())
    except (MetabenchError, OSError) as error:
        return [str(error)]


def _gpus() -> str:
    """The kinds of GPUs that the driver tells of."""
    from metabench.referee.gpu import find_gpus  # noqa: PLC0415 - loads what `list` does without

    gpus = find_gpus()
    return "" if gpus is None else gpus.name


def _limited_by() -> str:
    from metabench.referee.cgroup import Group, find_parent  # noqa: PLC0415 - only here

    group = Group.make(_GIB >> 20, find_parent())
    group.remove()
    looking = "looking at it several times a second"
    return looking if group.folder is None else f"the kernel, and {looking}"


def _isolation() -> tuple[frozenset[str] | None, list[str]]:
    """What contestants cannot reach here, and what is wrong with that."""
    from metabench.referee.isolation import WHOLE, isolation_here  # noqa: PLC0415 - loads what `list` does without
    from metabench.referee.outcome import RunError  # noqa: PLC0415

    try:
        found = isolation_here()
    except (RunError, OSError) as error:
        return None, [f"No contestant starts here ({error}), so no run can be made. Mend that first."]
    missing = WHOLE - found
    if not missing:
        return found, []
    advice = [
        *(["Let users make namespaces."] if missing - _BY_LANDLOCK else []),
        *(["Take a Linux whose Landlock bars signals (6.12 or newer)."] if missing - _BY_NAMESPACES else []),
    ]
    told = f"Methods can reach {', '.join(sorted(missing))}; records of runs will say so."
    return found, [" ".join((told, *advice))]


def _problems_with_gpus(device: str, gpus: str) -> Iterator[str]:
    if gpus and device == "cpu":
        yield (
            f"There are GPUs ({gpus}), but runs take the processor, as torch {version('torch')} computes on "
            "none, or none is /dev/nvidia0. Install a torch for GPUs, or name one by --device."
        )
    if not gpus and device != "cpu":
        yield f"Runs take {device}, but the driver tells of no GPU. Mend it, or name --device cpu."


def _problems_with_home(home: Path) -> Iterator[str]:
    nearest = _nearest(home)
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        yield (
            f"Folder {str(home)!r} cannot be written, as {str(nearest)!r} is no folder that this user may "
            "write to. Name another one by METABENCH_HOME."
        )
    elif _free_gib(home) < _LEAST_FREE_GIB:
        yield (
            f"Folder {str(home)!r} has {_free_gib(home):.1f} GiB of room; expected {_LEAST_FREE_GIB}. Make "
            "room, or name another one by METABENCH_HOME."
        )


def _problems_with_data(state: State) -> Iterator[str]:
    from metabench.data.health import examine  # noqa: PLC0415 - loads numpy

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


def _free_gib(home: Path) -> float:
    """Room where data lies, or will."""
    return shutil.disk_usage(_nearest(home)).free / _GIB


def _nearest(path: Path) -> Path:
    """The path, or what there is of the way to it."""
    # Unlike that of pathlib, this one says no where one may not look.
    return next(one for one in (path, *path.parents) if os.path.exists(one))  # noqa: PTH110
