import os
import sys
from pathlib import Path

import numpy as np
import pytest

from metabench.referee.view import View, view_of


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with source, results and data in it, and a link to it beside."""
    for folder in ("project/src/deep", "project/results", "project/var/data"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "project" / "setup.py").write_text("")
    (tmp_path / "project" / "data").symlink_to("var/data")
    (tmp_path / "link").symlink_to("project")
    return tmp_path / "project"


def seen(*also: Path, hidden: tuple[Path, ...] = (), device: str = "cpu") -> View:
    return view_of(Path("/work"), also=also, hidden=hidden, device=device)


def in_view(view: View, path: str | Path) -> bool:
    return any(Path(path).resolve().is_relative_to(one) for one in view.read)


def test_interpreter_packages_and_system_are_in_view():
    view = seen()
    for path in (sys.executable, os.__file__, np.__file__, "/usr/bin/env", "/proc/self", "/proc/cpuinfo"):
        assert in_view(view, path)
    assert Path("/dev/null") in view.devices


def test_neither_home_nor_other_processes_nor_secrets_of_the_system_are_in_view(tmp_path):
    view = seen()
    for path in ("/", Path.home(), tmp_path, "/tmp", "/run", "/proc", "/etc", "/etc/ssl/private", "/dev/shm"):
        assert not in_view(view, path)


def test_what_is_needed_besides_is_in_view_and_so_is_the_way_to_it(project):
    view = seen(project.with_name("link") / "src")
    assert in_view(view, project / "src" / "deep")
    assert not in_view(view, project / "setup.py")
    assert project.with_name("link") in view.links


def test_what_is_hidden_is_cut_out_of_what_is_needed(project):
    view = seen(project, hidden=(project / "results", project / "var" / "data"))
    assert in_view(view, project / "src" / "deep")
    assert in_view(view, project / "setup.py")
    assert not in_view(view, project / "results" / "record")
    assert not in_view(view, project / "data")
    assert not in_view(view, project / "var")
    assert {project, project / "var"} <= set(view.listed)
    assert project.parent not in view.listed
    assert project / "data" in view.links


def test_hidden_folders_around_what_is_needed_leave_it_in_view(project):
    view = seen(project / "src", hidden=(project,))
    assert in_view(view, project / "src")
    assert not in_view(view, project / "setup.py")


def test_what_is_needed_and_hidden_at_once_is_hidden(project):
    assert not in_view(seen(project, hidden=(project,)), project)


def test_what_is_not_there_is_not_in_view(project):
    view = seen(project / "gone", hidden=(project / "gone too",))
    assert all(path.exists() for path in (*view.read, *view.links, *view.devices))


def test_the_system_tells_more_where_there_is_a_gpu():
    assert not in_view(seen(), "/sys/kernel")
    assert in_view(seen(device="cuda:0"), "/sys/kernel")
