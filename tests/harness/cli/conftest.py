"""Run the command as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np
import psutil
import pytest

from metabench.cli.main import main
from metabench.results.files import contents_of
from metabench.results.folder import write_result
from metabench.results.identity import IdentityParts
from metabench.results.outcomes import outcomes_of
from metabench.results.predictions import Predictions
from metabench.results.score import score_parts
from metabench_plugins.metrics import accuracy, calibration_error, chance_normalised

N_EPISODES = 40
METRICS = [*accuracy.metabench_metrics(), *chance_normalised.metabench_metrics()]
POOLED = calibration_error.metabench_pooled_metrics()


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


@pytest.fixture
def inside(tmp_path, home, monkeypatch, capsys):
    """Run the command in this process, which is quicker; returns its exit code, output and errors."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("METABENCH_HOME", str(home))
        monkeypatch.setenv("METABENCH_MIRROR", "")
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        return ended.value.code, *capsys.readouterr()

    return run


@pytest.fixture
def make_result(tmp_path, make_record):
    """Makes results that verify, of a benchmark whose dataset is not here; see `make_record` for changes.

    `skill` moves the logits of the right classes; `classes` are the names that episodes choose two of.
    """

    def make(algorithm="protonet", *, skill=1.0, results="results", classes=("ant", "bee", "cat"), **changes):
        told = answers(skill, changes.get("seed", 0), classes)
        outcomes = outcomes_of(told, METRICS, POOLED)
        benchmark = {"n_episodes": N_EPISODES} | changes.pop("benchmark", {})
        scores = score_parts(outcomes, {one.name: one for one in POOLED})
        record = make_record(algorithm=algorithm, benchmark=benchmark, scores=scores, **changes)
        record = record.model_copy(update={"identity": IdentityParts.of(record).identity()})
        return write_result(tmp_path / results, record, contents_of(told, b"weights", outcomes=outcomes))

    return make


def answers(skill, seed, classes):
    """Answers to 40 episodes of 2 classes with 3 queries each."""
    rng = np.random.default_rng([seed, round(1000 * skill)])
    labels = np.tile([0, 1, 0, 1, 0, 1], (N_EPISODES, 1))
    logits = rng.normal(0, 1, (N_EPISODES, 6, 2)) + skill * np.eye(2)[labels]
    names = [(classes[one % len(classes)], classes[(one + 1) % len(classes)]) for one in range(N_EPISODES)]
    return Predictions(tuple(logits.astype(np.float32)), tuple(labels), tuple(names))


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
