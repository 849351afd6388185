"""Processes of a sweep are killed at random: no finished result is lost, no process stays.

A few kills stand here for many: `make torture` does two hundred.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
from contextlib import suppress

import psutil

from metabench.results.folder import read_all

N_KILLS = int(os.environ.get("METABENCH_KILLS", "3"))
SWEEP = ("evaluate", "centroid", "--benchmark", "glyphs-5w1s", "--budget", "2ep", "--seeds", "0,1")
# Within which a sweep of that size has certainly begun, and mostly not ended.
LONGEST_S = 10.0
PATIENCE_S = 600.0


def test_random_kills_lose_no_finished_result_and_leave_no_process(
    command, metabench, none_stays, processes_of, tmp_path
):
    rng = random.Random(os.environ.get("METABENCH_KILLS_SEED", "0"))
    token = f"C.{tmp_path.name}"
    n_sweeps = 0
    for number in range(N_KILLS):
        results = tmp_path / f"results{n_sweeps}"
        before = finished(results)
        process = subprocess.Popen(
            **command(*SWEEP, "--results", results, LANG=token),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        with suppress(subprocess.TimeoutExpired):
            process.wait(rng.uniform(0, LONGEST_S))
        victims = ("contestant", "referee", "both")[number % 3]
        if victims != "referee":
            kill_contestant(processes_of(token), rng)
        if victims != "contestant":
            process.kill()
        process.wait(PATIENCE_S)

        assert none_stays(token), f"kill {number} of {victims}"
        after = finished(results)
        assert before.items() <= after.items(), f"kill {number} of {victims}"
        n_sweeps += len(after) == 2

    results = tmp_path / f"results{n_sweeps}"
    last = metabench(*SWEEP, "--results", results, LANG=token)
    assert len(finished(results)) == 2, last.stderr
    assert none_stays(token)


def finished(results):
    """The record of each result in a folder as it was written; none of them is damaged."""
    stored, problems = read_all(results)
    assert not problems
    return {one.folder.name: (one.folder / "result.json").read_bytes() for one in stored}


def kill_contestant(processes, rng):
    """Kill one of the contestants among some processes, if there is one."""
    contestants = [one for one in processes if is_contestant(one)]
    if contestants:
        with suppress(psutil.Error):
            rng.choice(contestants).send_signal(signal.SIGKILL)


def is_contestant(process):
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "metabench.contestant" in words and not any(word.endswith("guard.py") for word in words)
