"""`metabench new`: what it writes works as it stands."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from metabench.cli.new import new_algorithm
from metabench.errors import UsageError


def test_a_new_algorithm_is_a_package_whose_own_test_passes(metabench, tmp_path):
    answer = metabench("new", "algorithm", "my-method")

    assert answer.returncode == 0, answer.stderr
    assert "cd my-method && pip install --editable . && pytest" in answer.stdout
    folder = tmp_path / "my-method"
    points = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["entry-points"]
    assert points == {"metabench.algorithms": {"my-method": "my_method:MyMethod"}}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in tested.stdout, tested.stdout


def test_what_is_written_is_formatted(metabench, tmp_path):
    metabench("new", "algorithm", "my-method")

    for command in (["check"], ["format", "--check"]):
        checked = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "my_method.py"],
            cwd=tmp_path / "my-method",
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("My_Method", "Name 'My_Method' cannot be that of an algorithm; expected lower-case letters"),
        ("../away", "Name '../away' cannot be that of an algorithm"),
        ("class", "Name 'class' cannot be that of an algorithm"),
        ("protonet", "Algorithm 'protonet' is there already, in metabench. Choose another name."),
        ("torch", "Module 'torch', which would hold the algorithm, is installed already."),
        ("there", "Folder 'there' exists; expected none. Choose another name."),
    ],
)
def test_a_name_that_cannot_be_is_refused(metabench, tmp_path, name, message):
    (tmp_path / "there").mkdir()

    answer = metabench("new", "algorithm", name)

    assert answer.returncode == 2
    assert message in answer.stderr
    assert list(tmp_path.iterdir()) == [tmp_path / "there"]


def test_a_folder_that_cannot_be_written_is_told(monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)

    with pytest.raises(UsageError, match=r"^Folder 'my-method' cannot be written \(Permission denied\); "):
        new_algorithm.callback("my-method")
