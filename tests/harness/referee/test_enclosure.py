import json
from pathlib import Path

import pytest

from metabench.discovery.contestants import find
from metabench.discovery.plugin import Plugin
from metabench.discovery.source import read_source
from metabench.referee.enclosure import Enclosure, copied_to, environment
from metabench.referee.limits import Limits


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder with a one-file plugin, what it imports, and what it does not."""
    folder = tmp_path / "project"
    (folder / "parts").mkdir(parents=True)
    (folder / "method.py").write_text("import beside\nfrom parts import deep\nclass Method: ...\n")
    for name in ("beside.py", "parts/__init__.py", "parts/deep.py", "other.py", "secrets.txt"):
        (folder / name).write_text("")
    return folder


def one_file(folder: Path, target: str = "method:Method") -> Plugin:
    return Plugin("algorithm", "Method", target, "(file)", "", folder)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_a_one_file_plugin_comes_with_what_it_imports_and_nothing_else(project, tmp_path):
    Enclosure((one_file(project), one_file(project))).copy_sources(tmp_path / "work")
    copied = tmp_path / "work" / copied_to(project)
    assert files_below(tmp_path / "work") == {
        str((copied / name).relative_to(tmp_path / "work"))
        for name in ("method.py", "beside.py", "parts/__init__.py", "parts/deep.py")
    }
    assert (copied / "method.py").read_text() == (project / "method.py").read_text()


def test_plugins_of_two_folders_keep_their_own_modules(project, tmp_path):
    other = tmp_path / "other"
    project.rename(other)
    project.mkdir()
    (project / "method.py").write_text("class Method: ...")
    Enclosure((one_file(project), one_file(other))).copy_sources(tmp_path / "work")
    assert len(files_below(tmp_path / "work")) == 5


@pytest.mark.parametrize("text", ["class Method(:", "import beside"], ids=["no Python", "no class"])
def test_a_broken_plugin_comes_too_so_that_its_import_can_tell_why(project, tmp_path, text):
    (project / "method.py").write_text(text)
    Enclosure((one_file(project), one_file(project, "gone:Method"))).copy_sources(tmp_path / "work")
    assert files_below(tmp_path / "work" / copied_to(project)) == {"method.py"}


def test_a_one_file_plugins_folder_is_not_shown_but_an_installed_ones_package_is(project):
    installed = find("algorithm", "protonet")
    told = json.loads(Enclosure((one_file(project), installed), (project,), "cuda:1").order)
    assert [Path(one).name for one in sorted(told["also"])] == ["metabench_plugins", "algorithms"]
    assert str(project) in told["hidden"]
    assert told["device"] == "cuda:1"


def test_what_datasets_are_built_by_is_hidden_and_what_methods_are_made_of_is_not():
    plugins = tuple(find("algorithm", name) for name in ("protonet", "maml"))
    hidden = json.loads(Enclosure(plugins).order)["hidden"]
    names = {Path(one).name for one in hidden}
    assert {"glyphs.py", "_glyphs_render.py", "phrases.py", "phrases", "cub.json"} <= names
    assert not {"__init__.py", "protonet.py", "maml.py", "conv4.py"} & names
    shown = {file for plugin in plugins for file in read_source(plugin).files.values()}
    assert not {str(file) for file in shown} & set(hidden)


def test_nothing_is_ordered_where_it_stays_open():
    assert json.loads(Enclosure(is_closed=False).order) is None


def test_the_environment_tells_nothing_of_this_machine(monkeypatch, tmp_path):
    monkeypatch.setenv("METABENCH_HOME", "/secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    told = environment(Limits(memory_mib=2048, n_threads=1, seed=0), tmp_path)
    assert "secret" not in " ".join([*told, *told.values()])
    assert told["HOME"] == told["TMPDIR"] == str(tmp_path)
    assert told["OMP_NUM_THREADS"] == "1"
