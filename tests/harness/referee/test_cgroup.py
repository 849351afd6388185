"""Groups of the kernel, on a tree of plain files that looks like its."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from metabench.referee.cgroup import Group, find_parent


@pytest.fixture
def process(tmp_path):
    """Tells of a process in a group of a tree that is mounted in the test's folder."""

    def tell(group="/user/app/terminal", *, root="/", version="cgroup2", controllers="memory pids"):
        folder = tmp_path / "proc"
        folder.mkdir()
        mount = f"41 31 0:38 {root} {tmp_path}/tree rw,relatime shared:9 - {version} none rw"
        (folder / "mountinfo").write_text(f"25 1 8:1 / / rw - ext4 /dev/sda1 rw\n{mount}\n")
        (folder / "cgroup").write_text(f"4:memory:/elsewhere\n0::{group}\n")
        own = tmp_path / "tree" / "user" / "app" / "terminal"
        own.mkdir(parents=True)
        (own / "cgroup.subtree_control").write_text("")
        (own.parent / "cgroup.subtree_control").write_text(controllers)
        return folder

    return tell


@pytest.fixture
def parent(tmp_path) -> Path:
    return tmp_path


def test_groups_are_made_beside_this_process_where_it_may(process, tmp_path):
    assert find_parent(process()) == tmp_path / "tree/user/app"


def test_groups_are_made_in_a_group_that_has_its_controllers_on(process, tmp_path):
    told = process()
    own = tmp_path / "tree/user/app/terminal"
    (own / "cgroup.subtree_control").write_text("cpu memory\n")
    assert find_parent(told) == own


def test_a_tree_of_which_a_part_is_mounted_is_followed_from_there(process, tmp_path):
    told = process("/docker/1234/user/app/terminal", root="/docker/1234")
    assert find_parent(told) == tmp_path / "tree/user/app"


@pytest.mark.parametrize("more", [{"version": "cgroup"}, {"controllers": "pids"}, {"group": "/gone/x"}])
def test_where_no_group_can_limit_memory_there_is_no_place(process, more):
    assert find_parent(process(**more)) is None


def test_where_this_user_may_not_write_there_is_no_place(process, monkeypatch):
    told = process()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert find_parent(told) is None


def test_a_system_without_such_files_has_no_place(tmp_path):
    assert find_parent(tmp_path) is None


def test_a_group_has_the_limit_and_dies_as_a_whole(parent):
    group = Group.make(700, parent)
    assert group.folder.parent == parent
    assert (group.folder / "memory.max").read_text() == str(700 * 2**20)
    assert (group.folder / "memory.oom.group").read_text() == "1"
    assert (group.folder / "memory.swap.max").read_text() == "0"


def test_two_groups_are_two(parent):
    assert Group.make(700, parent).folder != Group.make(700, parent).folder


def test_where_there_is_no_place_or_it_refuses_there_is_no_group(parent, monkeypatch):
    assert Group.make(700, None).folder is None
    assert Group.make(700, parent / "gone").folder is None

    def refuse(path, text):
        raise OSError(16, "Device or resource busy")

    monkeypatch.setattr(Path, "write_text", refuse)
    assert Group.make(700, parent).folder is None
    assert list(parent.iterdir()) == []


def test_what_the_kernel_tells_is_read(parent):
    group = Group(parent)
    (parent / "memory.peak").write_text(f"{300 * 2**20}\n")
    (parent / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n")
    (parent / "memory.events").write_text("low 0\nhigh 0\nmax 17\noom 1\noom_kill 1\noom_group_kill 1\n")
    assert (group.peak_mib, group.processor_s, group.was_short_of_memory) == (300, 2.5, True)


def test_where_there_is_no_group_nothing_is_known_and_nothing_to_remove():
    group = Group(None)
    group.remove()
    assert (group.peak_mib, group.processor_s, group.was_short_of_memory) == (0, 0, False)
    assert group.around(["program", "word"]) == ["program", "word"]


@pytest.mark.parametrize("is_there", [True, False])
def test_a_command_enters_the_group_if_it_can_and_is_run(parent, is_there):
    folder = parent if is_there else parent / "gone"
    command = [sys.executable, "-c", "import sys; print(sys.argv[1:])", "a b", "$0"]
    ran = subprocess.run(Group(folder).around(command), capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("['a b', '$0']\n", "")
    if is_there:
        # To the kernel this is the number of the process that writes it.
        assert (parent / "cgroup.procs").read_text() == "0\n"


@pytest.mark.parametrize("content", [None, "", "max\n"])
def test_what_the_kernel_does_not_tell_is_not_known(parent, content):
    group = Group(parent)
    for name in ("memory.peak", "cpu.stat", "memory.events"):
        if content is not None:
            (parent / name).write_text(content)
    assert (group.peak_mib, group.processor_s, group.was_short_of_memory) == (0, 0, False)


def test_a_group_that_was_full_but_ended_nobody_was_not_short_of_memory(parent):
    (parent / "memory.events").write_text("max 17\noom 0\noom_kill 0\n")
    assert not Group(parent).was_short_of_memory


def test_an_empty_group_is_removed_and_one_that_is_not_stays(parent):
    (parent / "empty").mkdir()
    (parent / "full" / "child").mkdir(parents=True)
    for name in ("empty", "full"):
        Group(parent / name).remove()
    assert [one.name for one in parent.iterdir()] == ["full"]


def test_groups_of_referees_that_are_gone_are_removed_and_no_others(parent):
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    kept = {f"metabench-{os.getpid()}-a1", "metabench-x-a1", "terminal"}
    for name in (*kept, f"metabench-{gone.pid}-a1"):
        (parent / name).mkdir()
    group = Group.make(700, parent)
    assert {one.name for one in parent.iterdir()} - {group.folder.name} == kept
