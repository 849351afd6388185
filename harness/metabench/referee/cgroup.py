"""Memory limits that the kernel itself enforces on all processes of a contestant (cgroup v2).

They need a part of the tree of groups where this user may make some, as systemd gives a user's session
(`systemd-run --user --scope -p Delegate=yes metabench …`). Where there is none, polling has to do.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psutil

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIB = 2**20
_PREFIX = "metabench-"


class Group:
    """A group of processes with a memory limit.

    Args:
        folder: Of the group, in the kernel's tree of groups; None: there is none, and nothing is known.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    @classmethod
    def make(cls, memory_mib: int, parent: Path | None) -> Self:
        """Make a group, where that is possible.

        Args:
            memory_mib: What its processes may use together, MiB.
            parent: As `find_parent` finds it.
        """
        if parent is None:
            return cls(None)
        _clear_leftovers(parent)
        folder = None
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
            _limit(folder, memory_mib)
        except OSError:
            cls(folder).remove()
            return cls(None)
        return cls(folder)

    def around(self, command: Sequence[str]) -> list[str]:
        """A command that enters the group and becomes another one; what that starts is in the group too.

        Where it cannot enter it goes on outside of the group: there is polling besides.
        """
        if self.folder is None:
            return [*command]
        enter = '{ echo 0 > "$0"; } 2> /dev/null; exec "$@"'
        return ["/bin/sh", "-c", enter, str(self.folder / "cgroup.procs"), *command]

    @property
    def peak_mib(self) -> float:
        """The most memory in use so far, MiB, with what the kernel keeps of their files; 0: not known."""
        # From Linux 5.19 on.
        return self._read("memory.peak") / _MIB

    @property
    def processor_s(self) -> float:
        """Processor time of all that were ever in it, seconds; 0: not known."""
        return self._read("cpu.stat", "usage_usec") / 1e6

    @property
    def was_short_of_memory(self) -> bool:
        """The kernel has ended processes that used more than the limit."""
        return self._read("memory.events", "oom_kill") > 0

    def remove(self) -> None:
        """Remove the group, in which nothing is left; else a later run of this user's does it."""
        if self.folder is not None:
            with contextlib.suppress(OSError):
                self.folder.rmdir()

    def _read(self, file: str, entry: str = "") -> int:
        """A number in one of the group's files, which may have a number for each of several entries."""
        if self.folder is None:
            return 0
        try:
            lines = (self.folder / file).read_text().splitlines()
            return next((int(line.split()[-1]) for line in lines if line.startswith(entry)), 0)
        except (OSError, ValueError):
            return 0


def find_parent(process: Path = Path("/proc/self")) -> Path | None:
    """Find where groups with a memory limit can be made: in this process's group, or beside that.

    Args:
        process: Folder that tells of this process.

    Returns:
        A folder of the kernel's tree of groups; None if there is no such place.
    """
    try:
        own = _own_folder(process)
        places = [one for one in (own, own.parent) if _gives_memory_limits(one)]
    except (OSError, ValueError):
        return None
    return next((one for one in places if os.access(one, os.W_OK)), None)


def _own_folder(process: Path) -> Path:
    """The folder of this process's group.

    Raises:
        ValueError: There is no tree of groups of version 2.
    """
    # Its line begins "0::", those of version 1 name a number and a controller.
    own = [line[3:] for line in (process / "cgroup").read_text().splitlines() if line.startswith("0::")]
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    trees = [fields for fields in mounts if "cgroup2" in fields[fields.index("-") :][1:2]]
    if not own or not trees:
        raise ValueError("no cgroup v2")
    # What is mounted may be a part of the whole tree, as in containers.
    root, mounted_at = trees[0][3:5]
    return Path(mounted_at) / os.path.relpath(own[0], root)


def _gives_memory_limits(folder: Path) -> bool:
    file = folder / "cgroup.subtree_control"
    return file.is_file() and "memory" in file.read_text().split()


def _limit(folder: Path, memory_mib: int) -> None:
    """Set the limit of a new group.

    Raises:
        OSError: It cannot be set.
    """
    (folder / "memory.max").write_text(str(memory_mib * _MIB))
    # All at once: what is left of a contestant without one of its processes may hang.
    (folder / "memory.oom.group").write_text("1")
    # There is none where the kernel does not account for swapping.
    with contextlib.suppress(OSError):
        (folder / "memory.swap.max").write_text("0")


def _clear_leftovers(parent: Path) -> None:
    """Remove the groups of referees that were killed; one in which something is left stays."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            Group(folder).remove()
