"""`metabench doctor`: what a machine offers, and what is named as wrong with it."""

from __future__ import annotations

import json
from collections import namedtuple

import pytest

from metabench.cli import doctor
from metabench.errors import DataError
from metabench.referee import isolation
from metabench.referee.isolation import WHOLE
from metabench.referee.outcome import RunError

Usage = namedtuple("Usage", "total used free")


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
    ("missing", "advice"),
    [
        ({"paths"}, "Let users make namespaces."),
        ({"signals"}, "Take a Linux whose Landlock bars signals (6.12 or newer)."),
        ({"files", "memory"}, "Let users make namespaces. Take a Linux whose Landlock bars signals"),
    ],
)
def test_what_methods_can_reach_is_named_with_what_would_bar_it(monkeypatch, missing, advice):
    monkeypatch.setattr(isolation, "isolation_here", lambda: WHOLE - missing)

    out_of_reach, (problem,) = doctor._isolation()

    assert out_of_reach == WHOLE - missing
    told = f"Methods can reach {', '.join(sorted(missing))}; records of runs will say so."
    assert problem.startswith(f"{told} {advice}")
    assert problem.endswith(advice) or "files" in missing


def test_where_all_is_out_of_reach_nothing_is_wrong(monkeypatch):
    monkeypatch.setattr(isolation, "isolation_here", lambda: WHOLE)

    assert doctor._isolation() == (WHOLE, [])


@pytest.mark.parametrize(
    "error", [RunError("crashed", "its process ended without a word", "start"), OSError(28, "No space left")]
)
def test_a_machine_that_starts_no_contestant_is_told_so(monkeypatch, error):
    def fail():
        raise error

    monkeypatch.setattr(isolation, "isolation_here", fail)

    out_of_reach, (problem,) = doctor._isolation()

    assert out_of_reach is None
    assert problem == f"No contestant starts here ({error}), so no run can be made. Mend that first."


@pytest.mark.parametrize(
    ("device", "gpus", "told"),
    [
        ("cpu", "H200", "There are GPUs (H200), but runs take the processor"),
        ("cuda:0", "", "Runs take cuda:0, but the driver tells of no GPU."),
        ("cuda:0", "H200", None),
        ("cpu", "", None),
    ],
)
def test_gpus_and_what_runs_take_must_agree(device, gpus, told):
    problems = list(doctor._problems_with_gpus(device, gpus))
    assert len(problems) == (told is not None)
    assert all(problem.startswith(told) for problem in problems)


def test_a_home_that_cannot_be_written_is_a_problem(tmp_path):
    (tmp_path / "file").write_text("")
    assert not list(doctor._problems_with_home(tmp_path / "deep" / "home"))
    (problem,) = doctor._problems_with_home(tmp_path / "file" / "home")
    assert f"'{tmp_path}/file/home' cannot be written, as '{tmp_path}/file' is no folder" in problem


def test_a_full_disk_is_a_problem(tmp_path, monkeypatch):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: Usage(2**40, 2**40, 2**29))
    (problem,) = doctor._problems_with_home(tmp_path)
    assert "has 0.5 GiB of room; expected 2." in problem


@pytest.mark.parametrize("error", [DataError("Dataset 'x' is damaged."), PermissionError(13, "denied", "/x")])
def test_what_keeps_it_from_looking_is_a_problem_among_others(error):
    def section():
        raise error

    assert doctor._told(section) == [str(error)]
