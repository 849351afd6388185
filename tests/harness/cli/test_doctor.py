"""`metabench doctor`: what a machine offers, and what is named as wrong with it."""

from __future__ import annotations

import json
from collections import namedtuple

import pytest

from metabench.cli import doctor
from metabench.cli.state import State
from metabench.referee import isolation
from metabench.referee.isolation import WHOLE
from metabench.referee.outcome import RunError

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def state(monkeypatch, tmp_path):
    """Of a command with a data folder of its own."""
    monkeypatch.setenv("METABENCH_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("METABENCH_MIRROR", raising=False)
    return State()


def test_it_tells_what_there_is(metabench, tmp_path):
    said = metabench("doctor", "--json", METABENCH_HOME=str(tmp_path / "home"))
    told = json.loads(said.stdout)

    assert told["metabench"].startswith("0.")
    assert told["cores"] >= 1
    assert told["data"].startswith(str(tmp_path / "home"))
    assert said.returncode == int(bool(told["problems"]))
    assert not (tmp_path / "home" / "store").exists()


def test_a_broken_plugin_and_a_mirror_that_is_not_there_are_named(metabench, tmp_path):
    info = tmp_path / "site" / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[metabench.algorithms]\nmine = acme_nowhere:Mine\n")

    said = metabench("doctor", PYTHONPATH=str(info.parent), METABENCH_MIRROR=str(tmp_path / "nowhere"))

    assert said.returncode == 1
    assert "Algorithm 'mine' of acme is broken: " in said.stdout
    assert f"METABENCH_MIRROR names '{tmp_path}/nowhere', which is no folder." in said.stdout


@pytest.mark.parametrize(
    ("found", "missing"),
    [
        (WHOLE, None),
        (WHOLE - {"network"} | {"TCP"}, None),
        (frozenset({"files"}), "memory, network, paths, signals"),
    ],
)
def test_what_methods_can_reach_is_named(monkeypatch, found, missing):
    monkeypatch.setattr(isolation, "isolation_here", lambda: found)

    out_of_reach, problems = doctor._isolation()

    assert out_of_reach == found
    expected = [] if missing is None else [f"Methods can reach {missing}; records of runs will say so."]
    assert [problem.partition(" Use ")[0] for problem in problems] == expected


def test_a_machine_that_starts_no_contestant_is_told_so(monkeypatch):
    def fail():
        raise RunError("crashed", "its process ended without a word (exit code 1)", "start")

    monkeypatch.setattr(isolation, "isolation_here", fail)

    out_of_reach, (problem,) = doctor._isolation()

    assert not out_of_reach
    assert problem == (
        "No contestant starts here: its process ended without a word (exit code 1). No run can be made."
    )


@pytest.mark.parametrize(
    ("torch", "kinds", "n_problems"),
    [("2.13.0+cpu", "H200", 1), ("2.13.0", "H200", 0), ("2.13.0+cpu", "", 0)],
)
def test_gpus_that_torch_cannot_use_are_a_problem(torch, kinds, n_problems):
    assert len(list(doctor._problems_with_gpus(torch, kinds))) == n_problems


def test_a_full_disk_is_a_problem(state, monkeypatch):
    assert not list(doctor._problems_with_data(state))
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 2**20))
    (problem,) = doctor._problems_with_data(state)
    assert "has less than 2 GiB of room. Name another one by METABENCH_HOME." in problem
