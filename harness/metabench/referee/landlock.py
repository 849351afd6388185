"""Landlock (Linux 5.13 and later): a process gives up, for good, what it has not been granted.

See https://docs.kernel.org/userspace-api/landlock.html; the numbers are those of linux/landlock.h.
"""

from __future__ import annotations

import ctypes
import os
from enum import IntFlag
from typing import TYPE_CHECKING

from metabench.referee.kernel import call

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from metabench.referee.view import View

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_BELOW_PATH = 1
# The versions that brought the control of TCP, of devices, and of signals and abstract sockets.
_WITH_TCP, _WITH_DEVICES, _WITH_SCOPES = 4, 5, 6


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class _Rule(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("below", ctypes.c_int32))


class _Files(IntFlag):
    EXECUTE = 1 << 0
    WRITE = 1 << 1
    READ = 1 << 2
    LIST = 1 << 3
    REMOVE_FOLDER = 1 << 4
    REMOVE = 1 << 5
    MAKE_CHARACTER_DEVICE = 1 << 6
    MAKE_FOLDER = 1 << 7
    MAKE_FILE = 1 << 8
    MAKE_SOCKET = 1 << 9
    MAKE_PIPE = 1 << 10
    MAKE_BLOCK_DEVICE = 1 << 11
    MAKE_LINK = 1 << 12
    MOVE = 1 << 13
    TRUNCATE = 1 << 14
    COMMAND_DEVICE = 1 << 15


# How many of these each version knows, from none.
_N_KNOWN = (0, 13, 14, 15, 15, 16)
_BIND_AND_CONNECT = 0b11
_ABSTRACT_SOCKETS_AND_SIGNALS = 0b11

_READ = _Files.READ | _Files.EXECUTE | _Files.LIST
_USE_DEVICE = _Files.READ | _Files.WRITE | _Files.COMMAND_DEVICE
# A device made in one's own folder would be a way to what lies on it.
_OWN = ~(_Files.MAKE_CHARACTER_DEVICE | _Files.MAKE_BLOCK_DEVICE | _Files.COMMAND_DEVICE)
_FOR_NO_FOLDER = _Files.EXECUTE | _Files.WRITE | _Files.READ | _Files.TRUNCATE | _Files.COMMAND_DEVICE


def restrict(view: View, own: Iterable[Path]) -> set[str]:
    """Give up all files but those in view, and whatever else this kernel's Landlock can take away.

    Args:
        view: What can be read from now on.
        own: Folders that can be written as well.

    Returns:
        What is out of reach from now on: "files", "memory" (of other processes), "TCP", "signals".

    Raises:
        OSError: The kernel has no Landlock, or does not let this process use it.
    """
    version = call("syscall", _CREATE_RULESET, None, 0, _ASK_VERSION)
    known = _Files((1 << _N_KNOWN[min(version, _WITH_DEVICES)]) - 1)
    given_up = _Ruleset(
        known,
        _BIND_AND_CONNECT if version >= _WITH_TCP else 0,
        _ABSTRACT_SOCKETS_AND_SIGNALS if version >= _WITH_SCOPES else 0,
    )
    ruleset = call("syscall", _CREATE_RULESET, ctypes.byref(given_up), ctypes.sizeof(given_up), 0)
    try:
        _grant(ruleset, view.read, _READ & known)
        _grant(ruleset, view.listed, _Files.LIST)
        _grant(ruleset, view.devices, _USE_DEVICE & known)
        _grant(ruleset, own, _OWN & known)
        call("syscall", _RESTRICT_SELF, ruleset, 0)
    finally:
        os.close(ruleset)
    since = {"files": 1, "memory": 1, "TCP": _WITH_TCP, "signals": _WITH_SCOPES}
    return {what for what, first in since.items() if version >= first}


def _grant(ruleset: int, paths: Iterable[Path], allowed: _Files) -> None:
    """Allow something at some paths and below them; what is gone meanwhile needs no rule."""
    for path in paths:
        try:
            descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            rule = _Rule(allowed if path.is_dir() else allowed & _FOR_NO_FOLDER, descriptor)
            call("syscall", _ADD_RULE, ruleset, _BELOW_PATH, ctypes.byref(rule), 0)
        finally:
            os.close(descriptor)
