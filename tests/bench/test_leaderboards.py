"""The bench of leaderboards runs, and says what is too much."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

BENCH = Path(__file__).parent


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend(BENCH)
    return import_module("leaderboards")


def exit_code(bench, monkeypatch, measured):
    monkeypatch.setattr(bench, "measure", lambda folder, n_results: measured)
    monkeypatch.setattr(sys, "argv", ["leaderboards.py"])
    with pytest.raises(SystemExit) as stopped:
        bench.main()
    return stopped.value.code


def test_it_measures_each_command_on_results_that_it_makes():
    # How long commands take is not asked here, so it may end with 1.
    run = subprocess.run(
        [sys.executable, BENCH / "leaderboards.py", "--results", "12"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert not run.stderr
    told = [line.split("  ")[0] for line in run.stdout.splitlines()[2:]]
    commands = ("show", "show again", "build", "publish")
    each = [f"{name}{what}" for name in commands for what in ("", ", on all cores", ", memory")]
    assert told == [*each, "largest page without plots"]


def test_made_results_are_whole_and_of_runs_that_differ(bench, tmp_path):
    from metabench.results.files import read_outcomes
    from metabench.results.folder import read_all

    bench.write_results(tmp_path / "results", 7)
    stored, problems = read_all(tmp_path / "results")
    assert len(stored) == 7
    assert not problems
    assert len({one.record.benchmark.name for one in stored}) == 2
    outcomes = [read_outcomes(one.folder, one.record) for one in stored]
    assert len({one.scores["accuracy"].tobytes() for one in outcomes}) == 7


def test_it_ends_with_0_where_all_bounds_hold(bench, monkeypatch, capsys):
    measured = [bench.Measured("show", 3.0, "s", 3.0), bench.Measured("publish", 99.0, "s")]
    assert exit_code(bench, monkeypatch, measured) == 0
    assert "TOO MUCH" not in capsys.readouterr().out


def test_it_ends_with_1_and_names_what_is_too_much(bench, monkeypatch, capsys):
    measured = [bench.Measured("show", 3.01, "s", 3.0), bench.Measured("build", 1.0, "s", 15.0)]
    assert exit_code(bench, monkeypatch, measured) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in told if "TOO MUCH" in line] == ["show"]


def test_plots_do_not_count_as_part_of_a_page(bench, tmp_path):
    (tmp_path / "index.html").write_text("<p>" + "a" * 40)
    (tmp_path / "boards").mkdir()
    (tmp_path / "boards" / "one.html").write_text(f"<p><svg>{'b' * 99}</svg>c<svg>\n</svg>")
    assert bench.largest_page(tmp_path) == 43
