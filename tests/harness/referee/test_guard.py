import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from metabench.referee import guard
from metabench.referee.guard import remove_folder

SLEEP = "import time; time.sleep(3600)"
DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.closerange(0, 256)
        time.sleep(3600)
    os._exit(0)
os.wait()
"""
FLEE = """
import os, time
if os.fork() == 0:
    while not os.fork():
        os.setsid()
    os._exit(0)
"""
# Each of these loses its parent, then ends.
MANY_DAEMONS = """
import os
for _ in range(60):
    if os.fork() == 0:
        os.fork()
        os._exit(0)
    os.wait()
print("ready", flush=True)
"""


@dataclass
class Guarded:
    """A process under guard, and how to let go of it."""

    guard: subprocess.Popen
    control: int
    report: int
    folder: Path

    def let_go(self) -> None:
        os.close(self.control)
        self.control = -1

    def told(self) -> str:
        assert self.guard.wait(30) == 0
        return os.read(self.report, 64).decode()

    def processes(self) -> list[psutil.Process]:
        return [one for one in psutil.process_iter() if self._is_ours(one)]

    def wait_until_gone(self) -> bool:
        for _ in range(300):
            if not self.processes():
                return True
            time.sleep(0.1)
        return False

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            return process.environ().get("GUARDED") == str(self.folder)
        except psutil.Error:
            return False


@pytest.fixture
def under_guard(tmp_path: Path) -> Iterator[Callable[[str], Guarded]]:
    """Starts a Python text under a guard."""
    started = []

    def start(text: str, memory_mib: int = 4096) -> Guarded:
        folder = tmp_path / "folder"
        folder.mkdir()
        control, ours = os.pipe()
        report, theirs = os.pipe()
        process = subprocess.Popen(
            [
                *(sys.executable, "-I", "-S", guard.__file__, str(control), str(theirs), str(folder)),
                *(str(memory_mib << 20), "1", sys.executable, "-c", text),
            ],
            pass_fds=(control, theirs),
            stdout=subprocess.PIPE,
            process_group=0,
            env={"GUARDED": str(folder)},
        )
        os.close(control)
        os.close(theirs)
        started.append(Guarded(process, ours, report, folder))
        return started[-1]

    yield start
    for one in started:
        if one.control >= 0:
            one.let_go()
        os.close(one.report)
        one.guard.communicate(timeout=30)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "exit 0"),
        ("raise SystemExit(3)", "exit 3"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("import os; os.kill(os.getpid(), 40)", "signal 40"),
    ],
)
def test_the_guard_tells_how_it_ended(under_guard, text, told):
    one = under_guard(text)
    assert one.told() == told
    assert not one.folder.exists()


def test_what_is_let_go_of_is_stopped(under_guard):
    one = under_guard("print('ready', flush=True); " + SLEEP)
    assert one.guard.stdout.readline() == b"ready\n"
    one.let_go()
    assert one.told() == "stopped"
    assert one.processes() == []
    assert not one.folder.exists()


@pytest.mark.parametrize("text", [DAEMON, FLEE], ids=["a daemon", "one that flees"])
def test_whatever_detaches_itself_is_killed_too(under_guard, text):
    one = under_guard(text)
    assert one.told() == "exit 0"
    assert one.processes() == []


def test_what_detached_itself_and_has_ended_is_no_process_any_more(under_guard):
    one = under_guard(MANY_DAEMONS + SLEEP)
    assert one.guard.stdout.readline() == b"ready\n"
    below = psutil.Process(one.guard.pid)
    for _ in range(300):
        if len(below.children()) == 1:
            break
        time.sleep(0.1)
    assert len(below.children()) == 1


def test_no_signal_that_can_be_ignored_ends_the_guard(under_guard):
    one = under_guard("print('ready', flush=True); " + SLEEP)
    assert one.guard.stdout.readline() == b"ready\n"
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        one.guard.send_signal(number)
    one.let_go()
    assert one.told() == "stopped"


def test_what_is_guarded_heeds_signals_as_ever(under_guard):
    text = "import os, signal; os.kill(os.getpid(), signal.SIGTERM)"
    assert under_guard(text).told() == "signal 15"


def test_what_is_guarded_dies_with_its_guard(under_guard):
    one = under_guard("print('ready', flush=True); " + SLEEP)
    assert one.guard.stdout.readline() == b"ready\n"
    one.guard.kill()
    one.guard.wait()
    assert one.wait_until_gone()


def test_memory_beyond_the_limit_cannot_be_had(under_guard):
    one = under_guard("held = bytearray(200 << 20)", memory_mib=100)
    assert one.told() == "exit 1"


def test_privileges_cannot_be_gained_and_the_kernel_takes_it_first(under_guard):
    text = "from pathlib import Path; print(Path('/proc/self/status').read_text()); "
    text += "print('score', Path('/proc/self/oom_score_adj').read_text(), flush=True)"
    told = under_guard(text).guard.communicate(timeout=30)[0].decode()
    assert "NoNewPrivs:\t1" in told
    assert "score 1000" in told


def test_a_deep_folder_with_forbidden_parts_is_removed(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "file").write_text("")
    (folder / "loop").symlink_to(folder)
    here = Path.cwd()
    try:
        os.chdir(folder)
        for _ in range(1200):
            Path("deeper").mkdir()
            os.chdir("deeper")
        Path("bottom").write_text("")
    finally:
        os.chdir(here)
    (folder / "deeper" / "deeper").chmod(0)
    (folder / "deeper").chmod(0)
    remove_folder(folder)
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("")
    (tmp_path / "work").symlink_to(tmp_path / "kept")
    remove_folder(tmp_path / "work")
    assert (tmp_path / "kept" / "file").exists()


def test_a_folder_that_is_gone_is_no_matter(tmp_path):
    remove_folder(tmp_path / "work")
