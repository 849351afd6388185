"""Run the command as a user would."""

from __future__ import annotations

import os
import subprocess
import sys

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
