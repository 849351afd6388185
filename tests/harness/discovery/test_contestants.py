"""Contestant plugins: found in metadata, never imported."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from metabench.discovery.contestants import find, installed
from metabench.discovery.plugin import Plugin
from metabench.discovery.source import read_source
from metabench.errors import UsageError

Install = Callable[..., Path]

ALGORITHMS = "metabench.algorithms"
BACKBONES = "metabench.backbones"


def test_an_installed_algorithm_is_found_by_its_name(install: Install) -> None:
    install("acme-meta", {ALGORITHMS: "acme-proto = acme.proto:Proto"}, version="0.3")

    plugin = find("algorithm", "acme-proto")

    assert plugin == Plugin("algorithm", "acme-proto", "acme.proto:Proto", "acme-meta", "0.3")
    assert (plugin.module, plugin.class_name) == ("acme.proto", "Proto")


def test_algorithms_and_backbones_are_apart(install: Install) -> None:
    install("acme", {ALGORITHMS: "acme-one = acme:One", BACKBONES: "acme-two = acme:Two"})

    assert [plugin.name for plugin in installed("algorithm") if plugin.distribution == "acme"] == ["acme-one"]
    assert [plugin.name for plugin in installed("backbone") if plugin.distribution == "acme"] == ["acme-two"]
    with pytest.raises(UsageError, match="Unknown algorithm 'acme-two'"):
        find("algorithm", "acme-two")


def test_plugins_are_listed_by_name_and_distribution(install: Install) -> None:
    install("b", {ALGORITHMS: "zz-same = b:B"})
    install("a", {ALGORITHMS: "zz-same = a:A\nzz-first = a:A"})

    listed = [(plugin.name, plugin.distribution) for plugin in installed("algorithm")]

    assert [one for one in listed if one[0].startswith("zz-")] == [
        ("zz-first", "a"),
        ("zz-same", "a"),
        ("zz-same", "b"),
    ]


def test_nothing_is_imported(install: Install, tmp_path: Path) -> None:
    trap = f"from pathlib import Path\nPath({str(tmp_path / 'sprung')!r}).touch()\nclass Trap: ...\n"
    install(
        "trap",
        {ALGORITHMS: "zz-trap = trap_package.inner:Trap"},
        {
            "trap_package/__init__.py": trap,
            "trap_package/inner.py": trap,
        },
    )

    installed("algorithm")
    source = read_source(find("algorithm", "zz-trap"))

    assert set(source.files) == {"trap_package", "trap_package.inner"}
    assert not (tmp_path / "sprung").exists()
    assert "trap_package" not in sys.modules


def test_two_providers_of_a_name_are_both_named(install: Install) -> None:
    install("metal", {ALGORITHMS: "zz-maml = metal:MAML"}, version="1.0")
    install("acme-meta", {ALGORITHMS: "zz-maml = acme:MAML"}, version="0.3")

    with pytest.raises(
        UsageError,
        match=r"2 packages provide the algorithm 'zz-maml': acme-meta 0\.3 and metal 1\.0\. "
        r"Name one as 'acme-meta:zz-maml'\.",
    ):
        find("algorithm", "zz-maml")

    assert find("algorithm", "acme-meta:zz-maml").target == "acme:MAML"
    assert find("algorithm", "metal:zz-maml").target == "metal:MAML"


def test_an_unknown_name_comes_with_near_ones(install: Install) -> None:
    install("acme", {ALGORITHMS: "zz-protonet = acme:Proto"})

    with pytest.raises(UsageError, match=r"Unknown algorithm 'zz-protonets'\. Did you mean 'zz-protonet'"):
        find("algorithm", "zz-protonets")
    with pytest.raises(UsageError, match="Did you mean 'acme:zz-protonet'"):
        find("algorithm", "acme:zz-protonets")


def test_a_name_of_another_distribution_is_unknown(install: Install) -> None:
    install("acme", {ALGORITHMS: "zz-protonet = acme:Proto"})

    with pytest.raises(UsageError, match="Unknown algorithm 'other:zz-protonet'"):
        find("algorithm", "other:zz-protonet")


def test_metadata_without_a_name_breaks_no_other_plugin(install: Install) -> None:
    install("nameless", {ALGORITHMS: "zz-lost = lost:Lost"}, metadata=False)
    install("acme", {ALGORITHMS: "zz-lost = acme:Found"})

    found = [plugin for plugin in installed("algorithm") if plugin.name == "zz-lost"]

    assert [(plugin.distribution, plugin.version) for plugin in found] == [("(unknown)", ""), ("acme", "1.0")]


def test_spaces_and_extras_are_no_part_of_the_target(install: Install) -> None:
    install("acme", {ALGORITHMS: "zz-proto = acme.proto : Proto [gpu]"})

    assert find("algorithm", "zz-proto").target == "acme.proto:Proto"


def test_a_file_needs_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_method.py").write_text("class Mine: ...\n")
    monkeypatch.chdir(tmp_path)
    expected = Plugin("algorithm", "Mine", "my_method:Mine", "(file)", "", tmp_path.resolve())

    assert find("algorithm", "./my_method.py:Mine") == expected
    assert find("algorithm", f"{tmp_path}/my_method.py:Mine") == expected


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'.*none\.py' does not exist; expected PATH\.py:CLASS\. Check"):
        find("algorithm", f"{tmp_path}/none.py:Mine")


@pytest.mark.parametrize("ending", ["", ":", ":not a class"])
def test_a_file_without_a_class_is_reported(tmp_path: Path, ending: str) -> None:
    (tmp_path / "mine.py").touch()

    with pytest.raises(
        UsageError, match=r"mine\.py.*' names no class; expected PATH\.py:CLASS\. Add ':CLASS'"
    ):
        find("algorithm", f"{tmp_path}/mine.py{ending}")


def test_a_file_that_python_cannot_import_is_reported(tmp_path: Path) -> None:
    (tmp_path / "my-method.py").write_text("class Mine: ...\n")

    with pytest.raises(UsageError, match=r"'my-method\.py' cannot be imported; expected letters.*Rename it"):
        find("algorithm", f"{tmp_path}/my-method.py:Mine")


def test_a_backbone_may_be_named_with_its_pretrained_model(install: Install, tmp_path: Path) -> None:
    install("acme", {BACKBONES: "zz-wrap = acme:Wrap", ALGORITHMS: "zz-learn = acme:Learn"})
    model = tmp_path / "weights.v1"
    model.touch()

    plugin = find("backbone", f"zz-wrap:{model}")

    assert plugin == Plugin("backbone", f"zz-wrap:{model}", "acme:Wrap", "acme", "1.0", None, model)
    assert plugin.own_name == find("backbone", "zz-wrap").own_name == "zz-wrap"
    with pytest.raises(UsageError, match=r"^Model 'none' is not here"):
        find("backbone", "zz-wrap:none")
    with pytest.raises(UsageError, match=r"^Unknown algorithm 'zz-learn:"):
        find("algorithm", f"zz-learn:{model}")


def test_a_package_stands_before_a_model_of_a_backbone_of_its_name(install: Install) -> None:
    install("zz-both", {BACKBONES: "zz-both = acme:Wrap\nzz-other = acme:Other"})

    assert find("backbone", "zz-both:zz-other").target == "acme:Other"
