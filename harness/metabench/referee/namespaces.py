"""Namespaces (Linux): a network without a way out, and a tree of files that holds what is in view alone.

A normal user gets them inside of a user namespace, where the system allows those. That also takes away
every power over processes outside of it, such as reading their memory.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.referee.kernel import call

if TYPE_CHECKING:
    from metabench.referee.view import View

_NEW_MOUNTS, _NEW_IPC, _NEW_USER, _NEW_NETWORK = 0x20000, 0x8000000, 0x10000000, 0x40000000
_NOSUID, _NODEV, _BIND, _WITH_ALL_BELOW, _PRIVATE = 0x2, 0x4, 0x1000, 0x4000, 0x40000
_DETACH = 2
_SET_ATTRIBUTES = 442
_RELATIVE_TO_HERE = -100
_AND_ALL_BELOW = 0x8000
_READ_ONLY = 1
_PROCESSES = Path("/proc")
# Where processes of a contestant share memory; what no process maps, the meter does not see.
SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - one's own
_SHARED_SIZE = "size=1g"


class _Attributes(ctypes.Structure):
    _fields_ = (
        ("to_set", ctypes.c_uint64),
        ("to_clear", ctypes.c_uint64),
        ("propagation", ctypes.c_uint64),
        ("user_namespace", ctypes.c_uint64),
    )


def separate() -> None:
    """Get a network, message queues and mounts of one's own; there is nothing in the first two.

    Raises:
        OSError: The system does not allow it.
    """
    user, group = os.geteuid(), os.getegid()
    parts = _NEW_MOUNTS | _NEW_IPC | _NEW_NETWORK
    try:
        call("unshare", parts | _NEW_USER)
    except OSError:
        call("unshare", parts)  # allowed to root
        return
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def show_only(view: View) -> None:
    """Make what is in view the whole tree of files; it can be read, and its own folders written.

    Raises:
        OSError: The system does not allow it.
    """
    call("mount", None, b"/", None, _WITH_ALL_BELOW | _PRIVATE, None)
    before = os.open(view.folder, os.O_PATH)
    root = view.folder
    _mount_memory(root, "mode=755")
    try:
        _plant(view, root)
        # Not what is mounted in it, as this new tree is.
        _bind(Path(f"/proc/self/fd/{before}"), _below(root, view.folder), and_below=0)
        _set_attributes(root, _AND_ALL_BELOW, to_set=_READ_ONLY)
        for own in (view.folder, SHARED_MEMORY):
            _set_attributes(_below(root, own), to_clear=_READ_ONLY)
        os.chdir(root)
        call("pivot_root", b".", b".")
    except OSError:
        call("umount2", os.fsencode(root), _DETACH)
        raise
    finally:
        os.close(before)
    call("umount2", b".", _DETACH)
    os.chdir(view.folder)


def _plant(view: View, root: Path) -> None:
    """Put all that is in view below a new root; what lies deeper comes with what it lies in."""
    for folder in view.listed:
        _below(root, folder).mkdir(parents=True, exist_ok=True)
    for link in view.links:
        place = _below(root, link)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(link.readlink())
    seen = {_PROCESSES, *view.read, *view.devices}
    for path in sorted(seen):
        if seen.isdisjoint(path.parents):
            _bind(path, _below(root, path))
    shared = _below(root, SHARED_MEMORY)
    shared.mkdir(parents=True)
    _mount_memory(shared, _SHARED_SIZE)
    _below(root, view.folder).mkdir(parents=True, exist_ok=True)


def _below(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def _bind(path: Path, place: Path, and_below: int = _WITH_ALL_BELOW) -> None:
    """Show a file or folder at another place, too."""
    if path.is_dir():
        place.mkdir(parents=True, exist_ok=True)
    else:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    call("mount", os.fsencode(path), os.fsencode(place), None, _BIND | and_below, None)


def _mount_memory(place: Path, options: str) -> None:
    call("mount", b"tmpfs", os.fsencode(place), b"tmpfs", _NOSUID | _NODEV, options.encode())


def _set_attributes(mount: Path, reach: int = 0, *, to_set: int = 0, to_clear: int = 0) -> None:
    attributes = _Attributes(to_set, to_clear)
    where = (_RELATIVE_TO_HERE, os.fsencode(mount), reach)
    call("syscall", _SET_ATTRIBUTES, *where, ctypes.byref(attributes), ctypes.sizeof(attributes))
