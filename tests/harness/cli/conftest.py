"""Run the command as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import psutil
import pytest


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """Datasets are built once for all tests of the command line."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def command(tmp_path, home):
    """What a call of the command needs: arguments, a folder of the test, an environment."""

    def of(*arguments, **environment):
        return {
            "args": [sys.executable, "-m", "metabench.cli", *map(str, arguments)],
            "cwd": tmp_path,
            "env": {**os.environ, "METABENCH_HOME": str(home), "METABENCH_MIRROR": "", **environment},
        }

    return of


@pytest.fixture
def metabench(command):
    """Run the command to its end."""

    def run(*arguments, **environment):
        return subprocess.run(
            **command(*arguments, **environment), capture_output=True, text=True, check=False
        )

    return run


@pytest.fixture(scope="session")
def processes_of():
    """Find the processes that have a token in their environment, as LANG, which contestants inherit."""

    def find(token):
        return [process for process in psutil.process_iter() if _has(process, token)]

    return find


@pytest.fixture(scope="session")
def none_stays(processes_of):
    """Wait until no process has a token; False if one stays."""

    def wait(token):
        for _ in range(200):
            if not processes_of(token):
                return True
            time.sleep(0.05)
        return False

    return wait


def _has(process, token):
    try:
        return process.environ().get("LANG") == token
    except (psutil.Error, OSError):
        return False
