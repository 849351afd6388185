"""The workflows of the repository: they can be read, and that of leaderboards does what it is there for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

WORKFLOWS = sorted((Path(__file__).parents[3] / ".github" / "workflows").glob("*.yml"))
LEADERBOARD = next(one for one in WORKFLOWS if one.name == "leaderboard.yml")
GIT = {
    f"GIT_{who}_{what}": "somebody@example.org"
    for who in ("AUTHOR", "COMMITTER")
    for what in ("NAME", "EMAIL")
}


def steps_of(workflow):
    told = yaml.safe_load(workflow.read_text())
    return [step for job in told["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda one: one.name)
def test_a_workflow_may_only_read_and_pins_what_it_uses(workflow):
    told = yaml.safe_load(workflow.read_text())

    assert told["permissions"] == {"contents": "read"}
    assert all("timeout-minutes" in job for job in told["jobs"].values())
    for step in steps_of(workflow):
        assert ("run" in step) != ("uses" in step)
        assert "run" in step or re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"])


def test_pull_requests_that_touch_leaderboards_are_verified():
    told = yaml.safe_load(LEADERBOARD.read_text())

    # YAML 1.1 takes the key `on` for a truth value.
    assert told[True] == {"pull_request": {"paths": ["leaderboards/**"]}}


@pytest.fixture
def submit(command, tmp_path):
    """Commits what is there and does as the workflow does, once installed; returns the step that fails."""
    environment = command()["env"] | GIT
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"

    def bash(script):
        return subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=False
        )

    def run():
        assert bash("git init -q; git add leaderboards; git commit -q -m submission").returncode == 0
        named = [step for step in steps_of(LEADERBOARD) if step.get("name", "Install") != "Install"]
        assert len(named) == 3
        return next((step["name"] for step in named if bash(step["run"]).returncode), None)

    return run


def test_a_submission_as_the_command_makes_it_passes(inside, make_result, submit):
    inside("leaderboard", "add", make_result(), make_result("maml"))

    assert submit() is None


def test_an_altered_result_does_not_pass(inside, make_result, submit, tmp_path):
    result = make_result()
    inside("leaderboard", "add", result)
    record = tmp_path / "leaderboards" / "results" / result.name / "result.json"
    record.write_text(record.read_text().replace('"seed": 0', '"seed": 1'))

    assert submit() == "Verify each result"


@pytest.mark.parametrize("spoil", ["edit", "remove"])
def test_a_table_that_its_results_do_not_give_does_not_pass(inside, make_result, submit, tmp_path, spoil):
    inside("leaderboard", "add", make_result())
    table = tmp_path / "leaderboards" / "toy-2w1s.md"
    if spoil == "edit":
        table.write_text(table.read_text().replace("100%", "101%"))
    else:
        table.unlink()

    assert submit() == "Compare them with those of the pull request"
