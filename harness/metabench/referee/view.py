"""What of this machine's files a contestant needs to see."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Libraries and tools; what libraries ask of the system; what arithmetic asks of the processor.
_SYSTEM = (
    *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/nix/store", "/etc/alternatives"),
    *("/etc/ld.so.cache", "/etc/localtime", "/etc/nsswitch.conf", "/etc/passwd", "/etc/group"),
    *("/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies"),
    *("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems"),
    "/sys/devices/system",
)
_DEVICES = ("null", "zero", "full", "random", "urandom")
# What the libraries of a GPU ask besides.
_GPU_SYSTEM = ("/proc/driver/nvidia", "/proc/devices", "/proc/modules", "/proc/sys", "/sys")
_GPU_DEVICES = "nvidia*"


@dataclass(frozen=True)
class View:
    """What a process may see; all else is to be out of its reach.

    Attributes:
        folder: Its work folder.
        read: Files and folders, with all below them, that it may read and run.
        listed: Folders of which it may see the entries' names only.
        links: Symbolic links that lead to something in view.
        devices: That it may use.
    """

    folder: Path
    read: tuple[Path, ...]
    listed: tuple[Path, ...]
    links: tuple[Path, ...]
    devices: tuple[Path, ...]


def view_of(folder: Path, *, also: Iterable[Path], hidden: Iterable[Path], device: str) -> View:
    """Find what a contestant must see that runs in this interpreter.

    Args:
        folder: Its work folder.
        also: What it needs besides interpreter, packages and system.
        hidden: What it must not see where that lies within something it needs. What it needs within
            something hidden stays in view.
        device: "cpu" or "cuda:N".
    """
    needed = [*_interpreter(), *also, *map(Path, _SYSTEM)]
    devices = [Path("/dev", name) for name in _DEVICES]
    if device.startswith("cuda"):
        needed += map(Path, _GPU_SYSTEM)
        devices += Path("/dev").glob(_GPU_DEVICES)
    there = [path for path in needed if path.is_absolute() and os.access(path, os.R_OK)]
    roots = {path.resolve() for path in there}
    out = {path.resolve() for path in hidden}
    listed = {one for path in out for one in path.parents if any(map(one.is_relative_to, roots))}
    links = {link for path in there for link in _links_to(path)}
    links |= {entry for one in listed for entry in one.iterdir() if entry.is_symlink()}
    return View(
        folder=folder,
        # Of processes, it may look at itself alone.
        read=(*sorted(part for root in roots for part in _parts(root, out)), Path("/proc/self").resolve()),
        listed=tuple(sorted(listed)),
        links=tuple(sorted(links)),
        devices=tuple(device for device in devices if device.exists()),
    )


def _interpreter() -> Iterator[Path]:
    """The interpreter, the packages installed for it, and the libraries that it is told of."""
    prefixes = (sys.prefix, sys.exec_prefix, sys.base_prefix, sys.base_exec_prefix)
    libraries = os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    yield from map(Path, (sys.executable, *prefixes, *sys.path, *libraries))


def _parts(path: Path, hidden: set[Path]) -> Iterator[Path]:
    """A path, or those parts of it in which nothing is hidden."""
    if path in hidden:
        return
    if not any(one.is_relative_to(path) for one in hidden):
        yield path
        return
    for entry in path.iterdir():
        if not entry.is_symlink():
            yield from _parts(entry, hidden)


def _links_to(path: Path) -> Iterator[Path]:
    """The symbolic links on the way to a path."""
    for part in (*reversed(path.parents), path):
        if part.is_symlink():
            yield part
            further = part.parent / part.readlink() / path.relative_to(part)
            yield from _links_to(Path(os.path.normpath(further)))
            return
