"""The source of a plugin: which files it is, what its hash covers, and how it can be broken."""

import sys
import warnings
from dataclasses import replace
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

import pytest

from metabench.discovery.plugin import Plugin
from metabench.discovery.source import BrokenPluginError, Source, locate, read_source


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages are imported from."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def packaged(target: str) -> Source:
    return read_source(Plugin("algorithm", "any", target, "acme", "1.0"))


def single(folder: Path, target: str = "method:Method") -> Source:
    return read_source(Plugin("algorithm", "any", target, "(file)", "", folder))


def test_a_module_without_own_imports_is_one_file(site: Path) -> None:
    write(site, {"acme_one.py": "import os\nimport numpy.linalg\nclass Method: ...\n"})

    source = packaged("acme_one:Method")

    assert source.files == {"acme_one": site / "acme_one.py"}
    assert len(source.digest) == 64


FORMS = {
    "import": "import acme_pkg.sibling",
    "import as": "import acme_pkg.sibling as s",
    "from package": "from acme_pkg import sibling",
    "from module": "from acme_pkg.sibling import thing",
    "relative module": "from .sibling import thing",
    "relative package": "from . import sibling",
    "in a function": "def f():\n    from .sibling import thing",
    "in a condition": "try:\n    import acme_pkg.sibling\nexcept ImportError:\n    pass",
    "in a class": "class Other:\n    from .sibling import thing",
}


@pytest.mark.parametrize("statement", FORMS.values(), ids=FORMS)
def test_every_form_of_import_is_seen(site: Path, statement: str) -> None:
    write(
        site,
        {
            "acme_pkg/__init__.py": "",
            "acme_pkg/method.py": f"{statement}\nclass Method: ...\n",
            "acme_pkg/sibling.py": "thing = 1\n",
            "acme_pkg/stranger.py": "",
        },
    )

    files = packaged("acme_pkg.method:Method").files

    assert next(iter(files)) == "acme_pkg.method"
    assert set(files) == {"acme_pkg.method", "acme_pkg", "acme_pkg.sibling"}


def test_imports_of_imports_are_seen(site: Path) -> None:
    write(
        site,
        {
            "acme_deep/__init__.py": "",
            "acme_deep/a/__init__.py": "from ..b import inner\n",
            "acme_deep/a/method.py": "class Method: ...\n",
            "acme_deep/b/__init__.py": "",
            "acme_deep/b/inner.py": "from ...acme_deep import a\nfrom ..c import last\n",
            "acme_deep/c.py": "from acme_deep.a import method\n",
        },
    )

    assert set(packaged("acme_deep.a.method:Method").files) == {
        "acme_deep.a.method",
        "acme_deep",
        "acme_deep.a",
        "acme_deep.b",
        "acme_deep.b.inner",
        "acme_deep.c",
    }


def test_a_relative_import_in_a_package_starts_from_that_package(site: Path) -> None:
    write(
        site,
        {
            "acme_init/__init__.py": "from .impl import Method\n",
            "acme_init/impl.py": "class Method: ...\n",
        },
    )

    assert set(packaged("acme_init:Method").files) == {"acme_init", "acme_init.impl"}


@pytest.mark.parametrize(
    "statement", ["from ....... import x", "from .no import x", "from . import *", "import no"]
)
def test_imports_that_lead_nowhere_are_passed_over(site: Path, statement: str) -> None:
    write(site, {"acme_no/__init__.py": "", "acme_no/method.py": f"{statement}\nclass Method: ...\n"})

    assert set(packaged("acme_no.method:Method").files) == {"acme_no.method", "acme_no"}


@pytest.mark.parametrize(
    ("edited", "changes"),
    [
        ("acme_edit/method.py", True),
        ("acme_edit/sibling.py", True),
        ("acme_edit/__init__.py", True),
        ("acme_edit/stranger.py", False),
        ("acme_edit/notes.txt", False),
        ("other_package.py", False),
    ],
)
def test_the_hash_tells_of_edits_to_what_is_imported(site: Path, edited: str, changes: bool) -> None:
    write(
        site,
        {
            "acme_edit/__init__.py": "",
            "acme_edit/method.py": "import acme_edit.sibling, other_package\nclass Method: ...\n",
            "acme_edit/sibling.py": "",
            "acme_edit/stranger.py": "",
            "acme_edit/notes.txt": "",
            "other_package.py": "",
        },
    )
    before = packaged("acme_edit.method:Method").digest
    write(site, {edited: (site / edited).read_text() + "# edited\n"})

    assert (packaged("acme_edit.method:Method").digest != before) is changes


DOCUMENTED = '''"""Of {told}."""

class Method:
    """Gives {told},

    Expected: {told} %.
    """; n_way = {n_way}

    def meta_train(self): "of {told}"

    async def adapt(self):
        "{told}" "—{told}"
        return """{returned}"""
'''


def test_the_hash_is_the_same_whatever_docstrings_tell_and_no_other_text(site: Path) -> None:
    def written(told: str, *, n_way: int = 5, returned: str = "logits") -> Source:
        write(site, {"acme_told.py": DOCUMENTED.format(told=told, n_way=n_way, returned=returned)})
        return packaged("acme_told:Method")

    before, after = written("much"), written("92.11 % [91, 93]")

    assert before.digest == after.digest
    assert before.documented_digest != after.documented_digest
    assert written("much", n_way=6).digest != before.digest
    assert written("much", returned="labels").digest != before.digest


def test_the_package_around_a_module_belongs_to_it(site: Path) -> None:
    write(
        site,
        {
            "acme_around/__init__.py": "from acme_around import patch\n",
            "acme_around/patch.py": "",
            "acme_around/method.py": "class Method: ...\n",
        },
    )

    assert set(packaged("acme_around.method:Method").files) == {
        "acme_around.method",
        "acme_around",
        "acme_around.patch",
    }


def test_a_package_without_init_may_be_around_a_module(site: Path) -> None:
    write(site, {"acme_space/method.py": "class Method: ...\n"})

    assert set(packaged("acme_space.method:Method").files) == {"acme_space.method"}


def test_the_hash_does_not_depend_on_the_place(tmp_path: Path) -> None:
    files = {"method.py": "import layers\nclass Method: ...\n", "layers.py": ""}
    write(tmp_path / "one", files)
    write(tmp_path / "two", files)

    assert single(tmp_path / "one").digest == single(tmp_path / "two").digest


def test_a_file_takes_along_what_it_imports_from_its_folder(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "method.py": "import numpy\nimport layers.conv\nclass Method: ...\n",
            "layers/__init__.py": "",
            "layers/conv.py": "",
            "stranger.py": "",
        },
    )
    source = single(tmp_path)

    assert set(source.files) == {"method", "layers", "layers.conv"}

    write(tmp_path, {"stranger.py": "edited = 1\n"})
    assert single(tmp_path).digest == source.digest

    write(tmp_path, {"layers/conv.py": "edited = 1\n"})
    assert single(tmp_path).digest != source.digest


def test_a_file_is_not_looked_for_elsewhere(tmp_path: Path, site: Path) -> None:
    write(site, {"method.py": "class Method: ...\n"})

    with pytest.raises(BrokenPluginError, match="module 'method' not found"):
        single(tmp_path)


BOUND = {
    "class": "class Method: ...",
    "import": "from numpy import ndarray as Method",
    "assignment": "Method = type('Method', (), {})",
    "several assignments": "Other, Method = object, object",
    "typed assignment": "Method: type = object",
    "condition": "if True:\n    class Method: ...",
    "fallback": "try:\n    from fast import Method\nexcept ImportError:\n    class Method: ...",
    "star": "from numpy import *",
    "on demand": "def __getattr__(name): ...",
}


@pytest.mark.parametrize("text", BOUND.values(), ids=BOUND)
def test_a_class_may_come_about_in_many_ways(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"method.py": text})

    assert set(single(tmp_path).files) == {"method"}


UNBOUND = {
    "nothing": "",
    "another name": "class Methods: ...",
    "a class in a function": "def f():\n    class Method: ...",
    "a class in a class": "class Outer:\n    class Method: ...",
    "a function": "def Method(): ...",
    "a mention": "print(Method)",
}


@pytest.mark.parametrize("text", UNBOUND.values(), ids=UNBOUND)
def test_reports_that_there_is_no_such_class(tmp_path: Path, text: str) -> None:
    write(tmp_path, {"method.py": text})

    with pytest.raises(BrokenPluginError, match=r"method\.py has no class 'Method'"):
        single(tmp_path)


@pytest.mark.parametrize("target", ["acme_gone:Method", "acme_gone.inner:Method", "sys:Method"])
def test_reports_that_there_is_no_such_module(site: Path, target: str) -> None:
    with pytest.raises(BrokenPluginError, match=f"module '{target.partition(':')[0]}' not found"):
        packaged(target)


def test_reports_that_a_folder_is_no_module(site: Path) -> None:
    (site / "acme_folder").mkdir()

    with pytest.raises(BrokenPluginError, match="module 'acme_folder' not found"):
        packaged("acme_folder:Method")


@pytest.mark.parametrize("target", ["acme", "acme:", ":Method", ""])
def test_reports_a_target_without_a_class(site: Path, target: str) -> None:
    with pytest.raises(BrokenPluginError, match=f"'{target}' names no class; expected 'module:Class'"):
        packaged(target)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"class Method:\n    def", r"method\.py line 2 is no Python: "),
        (b"class Method: ...\0", r"method\.py.* is no Python: .*null byte"),
        (b"\xff\xfe", r"method\.py.* is no Python: "),
        (b"# coding: klingon\n", r"method\.py.* is no Python: .*klingon"),
        (b"x = " + b"(" * 10_000, r"method\.py.* is no Python: "),
        (b"x = " + b"-" * 100_000 + b"1", r"method\.py.* is no Python: "),
    ],
    ids=["syntax", "null byte", "no text", "unknown encoding", "parentheses", "nesting"],
)
def test_reports_what_is_no_python(tmp_path: Path, content: bytes, reason: str) -> None:
    (tmp_path / "method.py").write_bytes(content)

    with pytest.raises(BrokenPluginError, match=rf"\A{reason}[^\n]*\Z"):
        single(tmp_path)


def test_reports_an_own_import_that_is_no_python(site: Path) -> None:
    write(
        site,
        {
            "acme_bad/__init__.py": "",
            "acme_bad/method.py": "from . import layers\nclass Method: ...\n",
            "acme_bad/layers.py": "def\n",
        },
    )

    with pytest.raises(BrokenPluginError, match=r"layers\.py line 1 is no Python"):
        packaged("acme_bad.method:Method")


def test_reports_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"method.py": "class Method: ...\n"})

    def denied(_path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", denied)

    with pytest.raises(BrokenPluginError, match=r"method\.py cannot be read: Permission denied"):
        single(tmp_path)


def test_warnings_about_the_text_of_a_plugin_are_not_shown(tmp_path: Path) -> None:
    write(tmp_path, {"method.py": "class Method:\n    pattern = '\\d'\n"})

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        single(tmp_path)

    assert shown == []


def test_a_package_that_is_installed_in_place_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, {"acme_inplace/__init__.py": "", "acme_inplace/method.py": "class Method: ...\n"})

    class InPlace:
        """What an editable install puts beside the finder of `sys.path`."""

        @staticmethod
        def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
            return PathFinder.find_spec(name, [str(tmp_path)]) if name == "acme_inplace" else None

    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, InPlace])

    assert set(packaged("acme_inplace.method:Method").files) == {"acme_inplace", "acme_inplace.method"}


def test_locating_a_module_imports_no_parent(site: Path) -> None:
    write(site, {"acme_lazy/__init__.py": "raise RuntimeError", "acme_lazy/inner.py": ""})

    found = locate("acme_lazy.inner", sys.path)

    assert found is not None
    assert found.origin == str(site / "acme_lazy" / "inner.py")
    assert locate("acme_lazy.none", sys.path) is None
    assert locate("acme_lazy.inner.none", sys.path) is None


def test_the_hash_tells_of_the_pretrained_model(site: Path) -> None:
    write(site, {"acme_wrap.py": "class Wrap: ...\n", "one.bin": "1", "two.bin": "2", "copy.bin": "1"})
    plain = Plugin("backbone", "wrap", "acme_wrap:Wrap", "acme", "1.0")

    def digest(model: str | None) -> str:
        return read_source(replace(plain, model=None if model is None else site / model)).digest

    assert len({digest(None), digest("one.bin"), digest("two.bin")}) == 3
    assert digest("one.bin") == digest("copy.bin")
    assert set(read_source(replace(plain, model=site / "one.bin")).files) == {"acme_wrap"}
