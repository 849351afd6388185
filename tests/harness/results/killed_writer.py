"""Kill a writer of results at every step it takes in the file system, and look what is left.

Run by its test in a process of its own, as it forks.
"""

import os
import shutil
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

import numpy as np

from metabench.results.files import contents_of, read_predictions
from metabench.results.folder import find_result, identity_lock, read_all, write_result
from metabench.results.predictions import Predictions
from metabench.results.record import Record

STEPS = {
    "open",
    "os.mkdir",
    "os.rename",
    "os.remove",
    "os.rmdir",
    "os.listdir",
    "os.scandir",
    "shutil.rmtree",
}
PREDICTIONS = Predictions((np.zeros((6, 2), np.float32),) * 4, (np.zeros(6, np.int64),) * 4)


def write(results: Path, record: Record) -> None:
    with identity_lock(results, record.identity):
        write_result(results, record, contents_of(PREDICTIONS, b"weights"))


def is_killed(kill_at: int, action: Callable[[], None]) -> bool:
    """Do something in a child that dies right before its `kill_at`-th step."""
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
        return os.WIFSIGNALED(status)
    seen = 0

    def count(event: str, _: object) -> None:
        nonlocal seen
        if event in STEPS:
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)
    try:
        action()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def visible(results: Path) -> list[Path]:
    return [folder for folder in results.iterdir() if not folder.name.startswith(".")]


def check_survivors(results: Path, allowed: list[Record | None]) -> str:
    """What is found must be whole, and one of those allowed."""
    new = allowed[-1]
    assert new is not None
    found = find_result(results, new.identity)
    stored, problems = read_all(results)
    assert not problems, problems
    assert [one.record for one in stored] == ([] if found is None else [found])
    for folder in visible(results):
        read_predictions(folder, found or new)
    started = None if found is None else found.started
    assert started in [None if one is None else one.started for one in allowed], started
    return str(started)


def check_cleaned(results: Path, new: Record) -> None:
    """The next write leaves nothing but its own folder and the locks."""
    write(results, new)
    assert len(visible(results)) == 1, visible(results)
    assert not visible(results)[0].name.endswith("~")
    assert [one.name for one in results.iterdir() if one.name.startswith(".")] == [".locks"]


def main(folder: Path, new: Record, old: Record | None) -> None:
    for kill_at in range(1, 200):
        results = folder / str(kill_at)
        results.mkdir()
        if old is not None:
            write(results, old)
        killed = is_killed(kill_at, lambda results=results: write(results, new))
        sys.stdout.write(check_survivors(results, [old, new]) + "\n")
        # A second writer that dies at the same step must find its way out of what the first one left.
        is_killed(kill_at, lambda results=results: write(results, new))
        check_survivors(results, [old, new])
        check_cleaned(results, new)
        shutil.rmtree(results)
        if not killed:
            return
    raise AssertionError("the writer never came to its end")


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        *(Record.model_validate_json(text) for text in sys.argv[2:4]),
        *[None] * (4 - len(sys.argv)),
    )
