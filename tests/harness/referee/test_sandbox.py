"""What a process behind the sandbox can still reach; without torch, so that it starts at once."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

PLUGINS = Path(__file__).parent / "plugins"
ATTEMPTS = (PLUGINS / "attempts.py").read_text()
# What the sandbox tells → what it stops.
STOPS = {
    "files": {
        "read key",
        "list data",
        "read labels",
        "read beside own source",
        "follow a link",
        "climb above the root",
        "spoil a result",
        "write beside a result",
        "remove a result",
    },
    "paths": {"lock out of results", "look at a result", "connect by path"},
    "TCP": {"connect tcp"},
    "network": {"connect tcp", "send udp", "connect by name"},
    "signals": {"signal guard", "signal referee", "connect by name"},
    "memory": {
        "read environment",
        "read memory",
        "read map of memory",
        "look at descriptors",
        "look through its root",
        "take a descriptor",
    },
}
# Runs the sandbox without some of its means, as on a system that has not got them.
WITHOUT = """
import sys
from metabench.referee import sandbox

def refuse(*arguments):
    raise OSError

for name in sys.argv[1].split():
    setattr(sandbox, name, refuse)
sandbox.main(int(sys.argv[2]), *sys.argv[3:])
"""
LANDLOCK, NAMESPACES, TREE = "restrict", "separate", "show_only"
NO_NEW_PRIVILEGES, REMOVE_SEGMENT = 38, 0


@dataclass(frozen=True)
class Outside:
    """What lies around a contestant.

    Attributes:
        targets: Where it is, for attempts to reach it.
        listeners: Attempt → what it is to connect to.
    """

    targets: dict[str, str | int]
    listeners: dict[str, socket.socket]

    def arrived(self) -> set[str]:
        """The attempts that somebody has heard of."""
        return {name for name, listener in self.listeners.items() if was_reached(listener)}


def was_reached(listener: socket.socket) -> bool:
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        if listener.type == socket.SOCK_DGRAM:
            return bool(listener.recv(16))
        listener.accept()[0].close()
        return True
    return False


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    """A home with a key, results, a file beside a plugin's source, and listeners of all kinds."""
    home, results, folder = tmp_path / "home", tmp_path / "results", Path(tempfile.mkdtemp())
    (home / "store").mkdir(parents=True)
    results.mkdir()
    for file in (home / "machine.key", results / "predictions.parquet", results / "removable"):
        file.write_text("secret")
    kinds = {
        "connect tcp": (socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", 0)),
        "send udp": (socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", 0)),
        "connect by path": (socket.AF_UNIX, socket.SOCK_STREAM, str(folder / "s")),
        "connect by name": (socket.AF_UNIX, socket.SOCK_STREAM, f"\0{folder}"),
    }
    with contextlib.ExitStack() as opened:
        opened.callback(shutil.rmtree, folder)
        listeners = {}
        for name, (family, kind, address) in kinds.items():
            listeners[name] = one = opened.enter_context(socket.socket(family, kind))
            one.bind(address)
            if kind == socket.SOCK_STREAM:
                one.listen()
        targets = {
            "home": str(home),
            "results": str(results),
            "beside": __file__,
            "referee": os.getpid(),
            "tcp": listeners["connect tcp"].getsockname()[1],
            "udp": listeners["send udp"].getsockname()[1],
            "socket": str(folder / "s"),
            "abstract": str(folder),
            "note": f"{folder.name}-note",
            "free_port": free_port(),
        }
        yield Outside(targets, listeners)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def every_attempt() -> set[str]:
    return set().union(*STOPS.values())


def within_reach(told: set[str], *, is_sandboxed: bool = True) -> set[str]:
    """The attempts that nothing of what was told stops, nor the system by itself."""
    stopped = set().union(*(STOPS[what] for what in told))
    if is_sandboxed and os.geteuid() == 0:
        stopped |= STOPS["memory"]  # this process has capabilities that it has given up
    with contextlib.suppress(OSError):
        if int(Path("/proc/sys/kernel/yama/ptrace_scope").read_text()):
            stopped |= {"read memory", "take a descriptor"}
    return every_attempt() - stopped


@pytest.fixture
def sandboxed(tmp_path: Path) -> Callable[..., tuple[set[str], str]]:
    """Runs a Python text in a sandbox; what that told, and what the text printed."""
    work = tmp_path / "work"
    work.mkdir()

    def run(text: str, *arguments: str, without: str = "", **order) -> tuple[set[str], str]:
        ours, theirs = socket.socketpair()
        python = (sys.executable, "-P", "-c")
        with ours, theirs:
            ours.sendall(json.dumps({"also": [], "hidden": [], "device": "cpu"} | order).encode())
            ours.shutdown(socket.SHUT_WR)
            ran = subprocess.run(
                [*python, WITHOUT, without, str(theirs.fileno()), *python, text, *arguments],
                cwd=work,
                pass_fds=[theirs.fileno()],
                preexec_fn=as_under_guard,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            return set(json.loads(ours.recv(4096))), ran.stdout

    return run


def as_under_guard() -> None:
    ctypes.CDLL(None).prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@pytest.mark.parametrize(
    "without",
    ["", LANDLOCK, NAMESPACES, TREE, f"{TREE} {LANDLOCK}", f"{NAMESPACES} {LANDLOCK}"],
    ids=["nothing", "Landlock", "namespaces", "a tree", "a tree and Landlock", "all"],
)
def test_what_is_told_to_be_out_of_reach_is_so_and_nothing_else(sandboxed, outside, without):
    told, printed = sandboxed(ATTEMPTS, json.dumps(outside.targets), without=without)
    assert set(json.loads(printed)) == within_reach(told)
    assert outside.arrived() == within_reach(told) & outside.listeners.keys()


def test_two_means_together_put_all_out_of_reach(sandboxed):
    both, by_landlock, by_namespaces, neither = (
        sandboxed("", without=without)[0]
        for without in ("", NAMESPACES, LANDLOCK, f"{NAMESPACES} {LANDLOCK}")
    )
    assert neither == set()
    assert both | {"TCP"} == by_landlock | by_namespaces | {"TCP"}
    if both != STOPS.keys() - {"TCP"}:
        pytest.skip(f"this system puts only {sorted(both)} out of reach")
    assert by_landlock == {"TCP", "files", "memory", "signals"}
    assert by_namespaces == {"files", "memory", "network", "paths"}


@pytest.mark.parametrize("without", ["", LANDLOCK, NAMESPACES], ids=["nothing", "Landlock", "namespaces"])
def test_what_is_hidden_within_what_is_needed_cannot_be_reached(sandboxed, outside, without):
    home, results = outside.targets["home"], outside.targets["results"]
    project = Path(home).parent
    (project / "code.py").write_text("")
    (project / "only" / "data").mkdir(parents=True)
    (project / "link.py").symlink_to("code.py")
    told, printed = sandboxed(
        ATTEMPTS + f"[Path('{project}', name).read_bytes() for name in ('code.py', 'link.py')]",
        json.dumps(outside.targets),
        without=without,
        also=[str(project)],
        hidden=[home, results, str(project / "only" / "data")],
    )
    assert told == sandboxed("", without=without)[0]
    # Whoever imports from a folder lists it; Landlock cannot allow that for a folder without all below it.
    names = set() if "paths" in told else {"list data"}
    assert set(json.loads(printed)) == within_reach(told) | names


@pytest.mark.parametrize("without", ["", LANDLOCK, NAMESPACES], ids=["nothing", "Landlock", "namespaces"])
def test_what_is_in_view_can_be_read_but_not_changed(sandboxed, tmp_path, without):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "code.py").write_text("")
    text = """
import contextlib, pathlib, sys
code = pathlib.Path(sys.argv[1], "code.py")
changes = {
    "read": code.read_bytes,
    "lock": lambda: code.chmod(0o600),
    "write": lambda: code.write_text("mine"),
    "add": code.with_name("more.py").touch,
    "remove": code.unlink,
}
for name, change in changes.items():
    with contextlib.suppress(OSError):
        change()
        print(name, end=" ")
"""
    package = str(tmp_path / "package")
    told, printed = sandboxed(text, package, without=without, also=[package])
    stopped = ({"write", "add", "remove"} if "files" in told else set()) | (
        {"lock"} if "paths" in told else set()
    )
    assert set(printed.split()) == {"read", "write", "add", "remove", "lock"} - stopped


def test_a_process_can_use_its_folder_the_interpreter_and_itself(sandboxed):
    text = """
import ctypes, multiprocessing, os, pathlib, ssl, subprocess, sys, tempfile, numpy
with tempfile.NamedTemporaryFile() as file:
    file.write(b"mine")
pathlib.Path("tool").write_text("#!/bin/sh\\nexit 3")
pathlib.Path("tool").chmod(0o700)
print(subprocess.run(["./tool"]).returncode, end=" ")
for name in ("status", "maps", "environ", "fd", "cwd"):
    os.stat(f"/proc/self/{name}")
print(len(pathlib.Path("/proc/self/status").read_text()) > 0, os.cpu_count() > 0, end=" ")
with open("/dev/null", "w") as nothing:
    nothing.write("x")
"""
    assert sandboxed(text)[1] == "3 True True "


def test_processes_can_share_memory_where_they_have_a_place_of_their_own_for_it(sandboxed):
    text = """
import multiprocessing, os
queue = multiprocessing.get_context("fork").Queue()
if os.fork() == 0:
    queue.put("heard"); queue.close(); queue.join_thread(); os._exit(0)
print(queue.get(timeout=60), end="")
"""
    if "paths" not in sandboxed("")[0]:
        pytest.skip("this system allows no tree of files of one's own")
    before = set(Path("/dev/shm").glob("sem.mp-*"))
    assert sandboxed(text)[1] == "heard"
    assert set(Path("/dev/shm").glob("sem.mp-*")) <= before


def test_even_root_can_raise_no_limit(sandboxed):
    text = """
import resource
try:
    resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
except (OSError, ValueError):
    print("cannot", end="")
"""
    assert sandboxed(text, without=f"{NAMESPACES} {LANDLOCK}")[1] == "cannot"


def remove_notes(targets: dict) -> None:
    for folder in ("/tmp", "/dev/shm"):
        Path(folder, targets["note"]).unlink(missing_ok=True)
    library = ctypes.CDLL(None)
    library.shmctl(library.shmget(targets["free_port"], 1, 0), REMOVE_SEGMENT, None)


@pytest.fixture
def burgle(referee, entry, outside) -> Iterator[Callable]:
    """Referees a run of a contestant that knows where everything is."""

    def run(algorithm: str, *, is_enclosed: bool):
        options = (("targets", json.dumps(outside.targets)),)
        return referee(entry(f"burglars:{algorithm}", options=options, is_enclosed=is_enclosed)).outcome

    yield run
    remove_notes(outside.targets)


def test_a_contestant_gets_neither_out_nor_at_labels(burgle, outside, right_answers):
    outcome = burgle("Burgles", is_enclosed=True)
    if outcome.isolation != STOPS.keys() - {"TCP"}:
        pytest.skip(f"this system puts only {sorted(outcome.isolation)} out of reach")
    assert outcome.status == "ok", outcome.failure
    assert outside.arrived() == set()
    is_right = np.array([logits.argmax(1) for logits in outcome.answers.logits]) == right_answers
    assert is_right.mean() < 1 / 3 + 4 * np.sqrt(2 / 9 / is_right.size)


def test_without_the_sandbox_a_contestant_would_get_out(burgle):
    outcome = burgle("Burgles", is_enclosed=False)
    told = outcome.failure.message
    assert {name for name in every_attempt() if name in told} == within_reach(set(), is_sandboxed=False)
    assert outcome.isolation == set()


def test_without_the_sandbox_one_process_of_a_run_would_find_the_notes_of_another(burgle):
    outcome = burgle("PassesNotes", is_enclosed=False)
    assert outcome.failure.phase in ("test", "audit")
    for kind in ("a file", "a file in memory", "a segment of memory"):
        assert kind in outcome.failure.message
