"""`metabench verify` from outside, on the results of one small sweep."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

README = Path(__file__).parents[3] / "README.md"
SWEEP = ("--benchmark", "glyphs-5w1s", "--budget", "2ep")
BROKEN = """
from metabench.api import Algorithm


class Broken(Algorithm):
    def loss(self, episodes):
        raise ValueError("no loss today")

    def predict(self, episodes):
        raise NotImplementedError
"""


@pytest.fixture(scope="module")
def swept(tmp_path_factory, home):
    """Results of the README's method and of one that crashes, beside their files."""
    folder = tmp_path_factory.mktemp("swept")
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    (folder / "nearest_mean.py").write_text(code)
    (folder / "broken.py").write_text(BROKEN)
    methods = ("./nearest_mean.py:NearestMean", "./broken.py:Broken")
    subprocess.run(
        [sys.executable, "-m", "metabench.cli", "evaluate", *methods, *SWEEP],
        cwd=folder,
        env={**os.environ, "METABENCH_HOME": str(home), "METABENCH_MIRROR": ""},
        check=False,
    )
    return folder


@pytest.fixture
def results(swept, tmp_path):
    """A copy of the sweep in the folder of the test; returns its folder of results."""
    shutil.copytree(swept, tmp_path, dirs_exist_ok=True)
    return tmp_path / "results"


def only(results, name):
    return next(results.glob(f"*.{name}.*"))


def test_the_results_of_a_sweep_are_verified(metabench, results):
    answer = metabench("verify", "results", "--rerun", "4", "--json")

    assert answer.returncode == 0, answer.stdout
    told = {Path(one["subject"]).name.split(".")[1]: one["findings"] for one in json.loads(answer.stdout)}
    outcomes = {name: [one["outcome"] for one in findings] for name, findings in told.items()}
    assert outcomes == {
        "NearestMean": ["verified"] * 3,
        "Broken": ["verified", "not compared", "not compared"],
    }


def test_a_run_that_failed_fails_again(metabench, results):
    answer = metabench("verify", only(results, "Broken"), "--full")

    assert answer.returncode == 0, answer.stdout
    assert "  level 1 not compared\n    Nothing was scored, as its status is 'crashed'.\n" in answer.stdout
    assert "  level 3 verified: status\n" in answer.stdout
    assert "1 runs ended, 1 failed, 0 left" in answer.stderr


def test_what_was_checked_is_told_and_what_it_proves(metabench, results):
    answer = metabench("verify", only(results, "NearestMean"))

    assert answer.returncode == 0
    subject, level_0, level_1, *explained = answer.stdout.splitlines()
    assert subject == str(only(results, "NearestMean"))
    assert level_0.startswith("  level 0 verified: schema, seal, identity, name, files")
    assert level_1.startswith("  level 1 verified: its score and its curve, up to rounding; the labels and ")
    assert "A seal is a checksum, no signature" in " ".join(explained)
    assert "Level 2" not in answer.stdout


def test_an_edited_digit_is_found(metabench, results):
    file = only(results, "NearestMean") / "result.json"
    content = file.read_text()
    spent = re.search(r'"test_s": \d+\.\d', content)[0]
    file.write_text(content.replace(spent, spent[:-1] + str((int(spent[-1]) + 1) % 10)))

    answer = metabench("verify", "results")

    assert answer.returncode == 1
    assert (
        "  level 0 does not verify\n    result.json is not as it was sealed: it was changed" in answer.stdout
    )
    assert "Traceback" not in answer.stderr


def test_a_method_that_was_edited_since_is_refused_with_both_hashes(metabench, results, tmp_path):
    source = json.loads((only(results, "NearestMean") / "result.json").read_text())["algorithm"][
        "source_hash"
    ]
    with (tmp_path / "nearest_mean.py").open("a") as file:
        file.write("# better\n")

    answer = metabench("verify", only(results, "NearestMean"), "--rerun", "4")

    assert answer.returncode == 1
    told = re.search(
        r"'NearestMean' has source (\w{64}) here; the result was made with (\w{64})", answer.stdout
    )
    assert told[2] == source != told[1]


def test_an_altered_row_of_a_published_table_is_found(metabench, results, tmp_path):
    table = tmp_path / "table.md"
    table.write_text(metabench("leaderboard", "show", "--format", "markdown").stdout)
    assert metabench("verify", table).returncode == 0

    score = re.search(r"\d\d\.\d\d", table.read_text())[0]
    table.write_text(table.read_text().replace(score, "99.99"))
    answer = metabench("verify", table, "--results", results)

    assert answer.returncode == 1
    assert "99.99" in answer.stdout
    assert f"; the results give '| 1 | a | NearestMean | conv4 | {score} [" in answer.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["nowhere"],
            "'nowhere' has no results; expected a result's folder, a folder of results, or a table.",
        ),
        (
            ["nearest_mean.py"],
            "Table 'nearest_mean.py' is of no known format; expected .csv, .json, .md, .tex, .txt.",
        ),
        (["results", "--rerun", "1"], "1 is not in the range x>=2"),
        ([], "Missing argument 'RESULT...'"),
    ],
    ids=str,
)
def test_wrong_usage_is_told(metabench, results, arguments, message):
    answer = metabench("verify", *arguments)

    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Traceback" not in answer.stderr
