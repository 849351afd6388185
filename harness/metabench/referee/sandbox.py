"""`python -m metabench.referee.sandbox FD COMMAND…`: give up what a contestant need not have, become it.

A step between guard and contestant. What it has given up cannot be had back, neither by the command nor by
anything that the command starts. It tells the referee what that is before the command has a say.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from contextlib import suppress
from pathlib import Path

from metabench.referee.kernel import call
from metabench.referee.landlock import restrict
from metabench.referee.namespaces import SHARED_MEMORY, separate, show_only
from metabench.referee.view import view_of

_CAPABILITY_VERSION = 0x20080522


def main(descriptor: int, *command: str) -> None:
    """Take the referee's order, carry it out, tell what came of it, and run the command.

    Args:
        descriptor: Of a socket to the referee.
        command: What to become.
    """
    with socket.socket(fileno=descriptor) as referee:
        with referee.makefile("rb") as received:
            order = json.load(received)
        is_ordered = order is not None and sys.platform == "linux"
        out_of_reach = isolate(**order) if is_ordered else set()
        referee.sendall(json.dumps(sorted(out_of_reach)).encode())
    os.execv(command[0], command)  # noqa: S606 - the referee composed it


def isolate(also: list[str], hidden: list[str], device: str) -> set[str]:
    """Put as much as possible out of reach of this process.

    Args:
        also: What it shall see besides interpreter, packages and system.
        hidden: What it shall not see, wherever that lies.
        device: "cpu" or "cuda:N".

    Returns:
        What is out of reach now. "files": to read or write any but those in view. "memory": to read that
        of other processes. "network": all of it; or else "TCP". "paths": to know of any file but those in
        view, to change its mode, or to connect to a socket by its path. "signals": to other processes.
    """
    view = view_of(Path.cwd(), also=map(Path, also), hidden=map(Path, hidden), device=device)
    out_of_reach: set[str] = set()
    own = [view.folder]
    # Each by itself: systems allow one, both, or none.
    with suppress(OSError):
        separate()
        out_of_reach |= {"memory", "network"}
        show_only(view)
        out_of_reach |= {"files", "paths"}
        own.append(SHARED_MEMORY)
    # Held open by whatever runs here: a rule for an entry of /proc ends when the kernel forgets the entry.
    os.set_inheritable(os.open("/proc/self", os.O_PATH), True)
    with suppress(OSError):
        out_of_reach |= restrict(view, own)
    _give_up_capabilities()
    if "network" in out_of_reach:
        out_of_reach -= {"TCP"}
    return out_of_reach


def _give_up_capabilities() -> None:
    """Be as weak as a normal user, even as root: nobody else's files, no larger limits, no devices.

    The guard has seen to it that no program can give them back.
    """
    header, none = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION), (ctypes.c_uint32 * 6)()
    call("capset", header, none)


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
