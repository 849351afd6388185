"""The command line from outside: start-up, exit codes, one-line errors."""

from __future__ import annotations

import json

import pytest

HEAVY = ("torch", "datasets", "pandas", "tokenizers")


@pytest.mark.parametrize(
    "arguments", [["--help"], ["verify", "--help"], ["list"], ["list", "algorithms", "--json"]], ids=" ".join
)
def test_help_and_list_import_nothing_heavy(metabench, arguments):
    answer = metabench(*arguments, PYTHONPROFILEIMPORTTIME="1")
    assert answer.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in answer.stderr.splitlines()}
    assert "click" in imported
    assert imported.isdisjoint(HEAVY)


def test_list_tells_kind_package_version_and_status_of_every_plugin(metabench):
    rows = json.loads(metabench("list", "--json").stdout)
    maml = next(row for row in rows if row["name"] == "maml")
    assert (maml["kind"], maml["distribution"], maml["status"]) == ("algorithm", "metabench", "ok")
    assert maml["version"]
    assert {"algorithm", "backbone", "benchmark", "dataset", "executor", "metric", "renderer"} <= {
        row["kind"] for row in rows
    }
    assert all(row["status"] == "ok" for row in rows)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["show", "algorithm", "protonets"], 2, "Unknown algorithm 'protonets'. Did you mean 'protonet'?"),
        (["evaluate", "mamml"], 2, "Unknown algorithm 'mamml'. Did you mean 'maml'"),
        (
            ["evaluate", "maml", "--benchmark", "glyfs-5w1s"],
            2,
            "Unknown dataset 'glyfs'. Did you mean 'glyphs'?",
        ),
        (["evaluate", "maml", "--budget", "smal"], 2, "Unknown budget 'smal'. Did you mean 'small'"),
        (["evaluate", "maml", "--seeds", "a"], 2, "Seeds 'a' are no numbers; expected e.g. 0,1,2."),
        (["evaluate", "maml", "--seeds", "-1"], 2, "Seeds '-1' have a negative one"),
        (["evaluate", "maml", "--seeds", f"{2**63}"], 2, "have one too large; expected less than 2**63"),
        (
            ["evaluate", "maml", "--device", "gpu"],
            2,
            "Device 'gpu' is no device; expected auto, cpu or cuda:N.",
        ),
        (["evaluate", "maml", "--device", "cuda:99"], 2, "Device 'cuda:99' is not here; this machine has "),
        (["evaluate", "maml", "--executor", "locl"], 2, "Unknown executor 'locl'. Did you mean 'local'?"),
        (
            ["evaluate", "maml", "--set", "inner_lr"],
            2,
            "Setting 'inner_lr' is no setting; expected OPTION=VALUE",
        ),
        (["evaluate", "./no_such.py:Method"], 2, "Plugin file 'no_such.py' does not exist"),
        (["evaluate", "maml", "--benchmark", "omniglot-5w1s"], 3, "Run `metabench data pull omniglot`"),
        (["leaderboard", "show"], 2, "has no results; expected some. Run `metabench evaluate` first, or"),
        (["leaderboard", "show", "--format", "markdwn"], 2, "Did you mean 'markdown'?"),
        (["data", "pull", "omniglott"], 2, "Unknown dataset 'omniglott'. Did you mean 'omniglot'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_by_one_line_and_its_exit_code(metabench, tmp_path, arguments, code, message):
    answer = metabench(*arguments, METABENCH_HOME=str(tmp_path / "home"))
    assert answer.returncode == code
    assert message in answer.stderr
    assert answer.stderr.startswith("Error: ")
    assert answer.stderr.count("\n") == 1
    assert not answer.stdout


def test_a_dataset_is_shown_with_its_addresses(metabench):
    shown = json.loads(metabench("show", "dataset", "omniglot", "--json").stdout)
    printed = metabench("show", "dataset", "omniglot").stdout

    assert shown["sources"][0].startswith("https://")
    assert "images_background.zip (9464212 bytes, sha256:" in shown["sources"][0]
    assert f"sources       {shown['sources'][0]}\n              {shown['sources'][1]}\n" in printed
    assert "sources       none\n" in metabench("show", "dataset", "glyphs").stdout


def test_debug_shows_the_traceback(metabench):
    answer = metabench("--debug", "show", "algorithm", "protonets")
    assert answer.returncode == 2
    assert "Traceback" in answer.stderr
    assert "Error: Unknown algorithm 'protonets'." in answer.stderr


def test_every_metric_that_is_listed_can_be_shown(inside):
    listed = [one["name"] for one in json.loads(inside("list", "metrics", "--json")[1])]
    assert {"accuracy", "calibration-error"} <= set(listed)

    for name in listed:
        code, told, _ = inside("show", "metric", name)
        assert (code, name in told) == (0, True)
