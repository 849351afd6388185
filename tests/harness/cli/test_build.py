"""`metabench leaderboard build` as a user runs it."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from metabench.results.files import contents_of
from metabench.results.folder import write_result
from metabench.results.outcomes import Outcomes


@pytest.fixture
def results(tmp_path, make_record):
    """A folder with a result on each of two benchmarks."""
    folder = tmp_path / "results"
    for name in ("one-2w1s", "two-2w1s"):
        outcomes = Outcomes({"accuracy": numbers(0.8, 0.7, 0.9, 0.8)}, numbers(0.5, 0.5, 0.5, 0.5))
        record = make_record(benchmark={"name": name, "stream_seed": len(list(tmp_path.rglob("*.json")))})
        identity = record.identity[:-1] + ("0" if name == "one-2w1s" else "1")
        record = record.model_copy(update={"identity": identity})
        write_result(folder, record, contents_of(outcomes=outcomes))
    return folder


def numbers(*values):
    return np.array(values)


def test_tables_in_all_formats_and_plots_are_written_and_the_same_again(metabench, results, tmp_path):
    answer = metabench("leaderboard", "build", "--to", "made")
    made = {one.relative_to(tmp_path): one.read_bytes() for one in (tmp_path / "made").rglob("*.*")}

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "2 results on 2 leaderboards: made\n"
    tables = tmp_path / "made" / "leaderboard"
    rows = csv.DictReader(tables.with_suffix(".csv").read_text().splitlines())
    assert [one["benchmark"] for one in rows] == ["one-2w1s", "two-2w1s"]
    assert len(json.loads(tables.with_suffix(".json").read_text())) == 2
    assert "\\toprule" in tables.with_suffix(".tex").read_text()
    assert "### one-2w1s" in tables.with_suffix(".md").read_text()
    assert len([one for one in made if one.suffix == ".png"]) == 4

    assert metabench("leaderboard", "build", "--to", "made").returncode == 0
    assert made == {one.relative_to(tmp_path): one.read_bytes() for one in (tmp_path / "made").rglob("*.*")}


def test_a_folder_with_other_things_in_it_is_refused(metabench, results, tmp_path):
    (tmp_path / "made").mkdir()
    (tmp_path / "made" / "thesis.tex").write_text("all of it")

    answer = metabench("leaderboard", "build", "--to", "made")

    assert answer.returncode != 0
    assert "thesis.tex" in answer.stderr
    assert [one.name for one in (tmp_path / "made").iterdir()] == ["thesis.tex"]


def test_without_results_it_says_what_to_do(metabench):
    answer = metabench("leaderboard", "build")

    assert answer.returncode == 2
    assert "has no results; expected some. Run `metabench evaluate` first, or" in answer.stderr
