"""`metabench leaderboard publish` as a user runs it."""

from __future__ import annotations

import subprocess

import numpy as np
import pytest

from metabench.results.files import contents_of
from metabench.results.folder import write_result
from metabench.results.outcomes import Outcomes


@pytest.fixture
def results(tmp_path, make_record):
    """A folder with a result, and one that is damaged."""
    outcomes = Outcomes({"accuracy": np.array([0.8, 0.7, 0.9, 0.8])}, np.full(4, 0.5))
    write_result(tmp_path / "results", make_record(), contents_of(outcomes=outcomes))
    (tmp_path / "results" / "damaged").mkdir()
    return tmp_path / "results"


def test_a_site_is_made_and_pushed_once(metabench, results, tmp_path):
    remote = tmp_path / "remote.git"
    subprocess.run(["git", "init", "--quiet", "--bare", remote], check=True)

    answer = metabench("leaderboard", "publish", "--git", remote, "gh-pages")

    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == (
        f"1 results on 1 leaderboards: site/index.html\nPushed to branch gh-pages of {remote}.\n"
    )
    assert "Warning: Result 'damaged' has no readable result.json" in answer.stderr
    overview = (tmp_path / "site" / "index.html").read_text()
    assert "Result &#39;damaged&#39; has no readable result.json" in overview
    (board,) = (tmp_path / "site" / "boards").glob("*.html")
    assert {one.suffix for one in board.parent.iterdir()} == {".csv", ".html", ".json", ".md", ".tex", ".txt"}

    again = metabench("leaderboard", "publish", "--git", remote, "gh-pages")
    assert again.stdout.endswith(f"Nothing new for branch gh-pages of {remote}.\n")
    told = ["git", "--git-dir", remote, "rev-list", "--count", "gh-pages"]
    assert subprocess.run(told, capture_output=True, check=True).stdout == b"1\n"


def test_a_folder_with_other_things_is_refused_before_anything_is_read(metabench, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "thesis.txt").write_text("years of work")

    answer = metabench("leaderboard", "publish")

    assert answer.returncode != 0
    assert "Error: Folder 'site' has other things in it, such as 'thesis.txt'" in answer.stderr


def test_without_results_it_says_what_to_do(metabench, tmp_path):
    answer = metabench("leaderboard", "publish")
    assert answer.returncode == 2
    assert "Folder 'results' has no results; expected some. Run `metabench evaluate` first" in answer.stderr
    assert not (tmp_path / "site").exists()
