"""Ways out of a contestant's process, each tried once. `python -c` runs it as well, without torch.

Every attempt returns if it comes through and raises `OSError` if it is stopped.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import socket
import sys
from pathlib import Path

PIDFD_GETFD = 438


def reached(targets: dict) -> list[str]:
    """The names of the attempts that come through."""
    came_through = []
    for name, attempt in ATTEMPTS.items():
        with contextlib.suppress(OSError):
            attempt(targets)
            came_through.append(name)
    return came_through


def read_key(targets):
    Path(targets["home"], "machine.key").read_bytes()


def list_data(targets):
    list(Path(targets["home"], "store").iterdir())


def read_labels(targets):
    Path(targets["results"], "predictions.parquet").read_bytes()


def read_beside_own_source(targets):
    Path(targets["beside"]).read_bytes()


def follow_a_link(targets):
    Path("way").unlink(missing_ok=True)
    Path("way").symlink_to(targets["home"])
    Path("way", "machine.key").read_bytes()


def climb_above_the_root(targets):
    Path(f"/..{targets['home']}/machine.key").read_bytes()


def spoil_a_result(targets):
    Path(targets["results"], "predictions.parquet").write_bytes(b"mine")


def write_beside_a_result(targets):
    Path(targets["results"], "more").write_bytes(b"")


def remove_a_result(targets):
    Path(targets["results"], "removable").unlink()


def lock_out_of_results(targets):
    Path(targets["results"]).chmod(0o755)


def look_at_a_result(targets):
    Path(targets["results"], "predictions.parquet").stat()


def connect_tcp(targets):
    socket.create_connection(("127.0.0.1", targets["tcp"]), timeout=5).close()


def send_udp(targets):
    with socket.socket(type=socket.SOCK_DGRAM) as one:
        one.sendto(b"told", ("127.0.0.1", targets["udp"]))


def connect_by_path(targets):
    connect(targets["socket"])


def connect_by_name(targets):
    connect("\0" + targets["abstract"])


def connect(address: str):
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(address)
        one.send(b"told")


def signal_guard(targets):
    os.kill(os.getppid(), 0)


def signal_referee(targets):
    os.kill(targets["referee"], 0)


def read_environment(targets):
    Path(f"/proc/{targets['referee']}/environ").read_bytes()


def read_memory(targets):
    Path(f"/proc/{targets['referee']}/mem").open("rb").close()


def read_map_of_memory(targets):
    Path(f"/proc/{targets['referee']}/maps").read_bytes()


def look_at_descriptors(targets):
    for one in Path(f"/proc/{targets['referee']}/fd").iterdir():
        one.readlink()


def look_through_its_root(targets):
    Path(f"/proc/{targets['referee']}/root{targets['home']}/machine.key").read_bytes()


def take_a_descriptor(targets):
    if ctypes.CDLL(None).syscall(PIDFD_GETFD, os.pidfd_open(targets["referee"]), 0, 0) < 0:
        raise OSError


ATTEMPTS = {
    one.__name__.replace("_", " "): one
    for one in (
        read_key,
        list_data,
        read_labels,
        read_beside_own_source,
        follow_a_link,
        climb_above_the_root,
        spoil_a_result,
        write_beside_a_result,
        remove_a_result,
        lock_out_of_results,
        look_at_a_result,
        connect_tcp,
        send_udp,
        connect_by_path,
        connect_by_name,
        signal_guard,
        signal_referee,
        read_environment,
        read_memory,
        read_map_of_memory,
        look_at_descriptors,
        look_through_its_root,
        take_a_descriptor,
    )
}

if __name__ == "__main__":
    json.dump(reached(json.loads(sys.argv[1])), sys.stdout)
