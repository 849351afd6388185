"""Trusted extensions: loaded through hooks, and what becomes of broken ones."""

from collections.abc import Callable
from importlib.metadata import EntryPoints, entry_points
from pathlib import Path
from types import SimpleNamespace

import pytest

from metabench.discovery import trusted
from metabench.discovery.trusted import Broken, Extensions, load_extensions
from metabench.errors import UsageError

Install = Callable[..., Path]

HEAD = """
from types import SimpleNamespace
from metabench.errors import DataError
from metabench.hooks import hookimpl

def record(name):
    return SimpleNamespace(name=name)

"""


@pytest.fixture(autouse=True)
def only_these_tests_extensions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide what is installed on this machine; throw-away modules are named `ext_…`."""

    def found(*, group: str) -> EntryPoints:
        return EntryPoints(point for point in entry_points(group=group) if point.value.startswith("ext_"))

    monkeypatch.setattr(trusted, "entry_points", found)


@pytest.fixture
def extend(install: Install) -> Callable[[str, str], None]:
    """A function that installs one extension with this code, as `NAME` of distribution `acme-NAME`."""

    def extender(name: str, code: str) -> None:
        module = f"ext_{name}"
        install(f"acme-{name}", {"metabench": f"{name} = {module}"}, {f"{module}.py": HEAD + code})

    return extender


Extend = Callable[[str, str], None]


def declares(hook: str, *names: str) -> str:
    return f"@hookimpl\ndef {hook}():\n    return [{', '.join(f'record({name!r})' for name in names)}]\n"


def reason_for(extensions: Extensions, name: str) -> str:
    """Why an extension was set aside: one line."""
    (broken,) = [one for one in extensions.broken if one.name == name]
    assert broken.distribution == f"acme-{name}"
    assert "\n" not in broken.reason
    return broken.reason


KINDS = [
    "datasets",
    "benchmarks",
    "suites",
    "metrics",
    "pooled_metrics",
    "executors",
    "renderers",
    "commands",
]


@pytest.mark.parametrize("kind", KINDS)
def test_each_hook_fills_its_list_sorted_by_name(extend: Extend, kind: str) -> None:
    extend(f"{kind}_b", declares(f"metabench_{kind}", "d", "b"))
    extend(f"{kind}_a", declares(f"metabench_{kind}", "c", "a"))

    extensions = load_extensions()

    assert list(getattr(extensions, kind)) == ["a", "b", "c", "d"]
    assert all(getattr(extensions, other) == {} for other in KINDS if other != kind)
    assert extensions.broken == []


def test_nothing_installed_is_nothing_declared() -> None:
    extensions = load_extensions(strict=True)

    assert (extensions.datasets, extensions.listeners, extensions.broken) == ({}, [], [])


def test_listeners_need_no_name_and_come_in_the_order_of_their_extensions(extend: Extend) -> None:
    extend("listen_b", "@hookimpl\ndef metabench_listeners():\n    return [2, 3]\n")
    extend("listen_a", "@hookimpl\ndef metabench_listeners():\n    return [1]\n")

    assert load_extensions().listeners == [1, 2, 3]


def test_one_extension_may_implement_several_hooks(extend: Extend) -> None:
    extend("several", declares("metabench_metrics", "f1") + declares("metabench_suites", "all"))

    extensions = load_extensions()

    assert (list(extensions.metrics), list(extensions.suites)) == (["f1"], ["all"])


def test_the_provider_of_a_record_is_known(extend: Extend) -> None:
    extend("fresh_a", declares("metabench_metrics", "a"))
    extend("fresh_b", declares("metabench_metrics", "b"))
    extensions = load_extensions()

    assert extensions.provider(extensions.metrics["a"]) == "acme-fresh_a:fresh_a"
    assert extensions.provider(extensions.metrics["b"]) == "acme-fresh_b:fresh_b"
    assert extensions.provider(SimpleNamespace(name="a")) == "(unknown)"


def test_records_are_made_once(extend: Extend) -> None:
    extend("once", declares("metabench_metrics", "a"))
    extensions = load_extensions()

    assert extensions.metrics["a"] is extensions.metrics["a"]


def test_a_pooled_metric_has_no_other_metrics_name(extend: Extend) -> None:
    extend("scores", declares("metabench_metrics", "f1") + declares("metabench_pooled_metrics", "f1", "ece"))

    with pytest.raises(UsageError, match=r"Two extensions provide the metric 'f1': acme-scores:scores and "):
        _ = load_extensions().pooled_metrics


def test_two_providers_of_a_name_are_both_named(extend: Extend) -> None:
    extend("twice_a", declares("metabench_datasets", "birds"))
    extend("twice_b", declares("metabench_datasets", "birds") + declares("metabench_metrics", "f1"))
    extensions = load_extensions()

    with pytest.raises(
        UsageError,
        match=r"Two extensions provide the dataset 'birds': acme-twice_a:twice_a and acme-twice_b:twice_b; "
        r"expected one\. Uninstall one of them\.",
    ):
        _ = extensions.datasets

    assert list(extensions.metrics) == ["f1"]


def test_one_name_may_stand_for_records_of_two_kinds(extend: Extend) -> None:
    extend("kinds", declares("metabench_metrics", "same") + declares("metabench_suites", "same"))

    assert list(load_extensions().suites) == ["same"]


BREAKING = {
    "import": ("import no_such_module_anywhere", "ModuleNotFoundError: No module named 'no_such_module"),
    "syntax": ("def", "SyntaxError: "),
    "exit": ("raise SystemExit('bye')", "SystemExit: bye"),
    "own_error": ("raise DataError('A file is missing. Fetch it.')", "A file is missing. Fetch it"),
    "many_lines": ("raise ValueError('one\\n  two')", "ValueError: one two"),
    "misspelt": (declares("metabench_dataset", "x"), "unknown hook 'metabench_dataset'"),
    "arguments": (
        "@hookimpl\ndef metabench_metrics(config):\n    return []\n",
        "hook 'metabench_metrics'",
    ),
    "unmarked": ("def metabench_metrics():\n    return []\n", "metabench_metrics is not marked; @hookimpl"),
    "raises": ("@hookimpl\ndef metabench_metrics():\n    1 / 0\n", "ZeroDivisionError: division by zero"),
    "no_list": (
        "@hookimpl\ndef metabench_metrics():\n    return None\n",
        "metabench_metrics returned None; a list",
    ),
    "no_record": (
        "@hookimpl\ndef metabench_metrics():\n    return ['f1']\n",
        "metabench_metrics returned 'f1', which has no name",
    ),
    "wrapper": (
        "@hookimpl(wrapper=True)\ndef metabench_metrics():\n    return (yield)\n",
        "a list is expected",
    ),
}


@pytest.mark.parametrize("name", BREAKING)
def test_a_broken_extension_is_reported_and_skipped(extend: Extend, name: str) -> None:
    code, reason = BREAKING[name]
    extend(name, declares("metabench_suites", "mine") + code)
    extend(f"good_beside_{name}", declares("metabench_metrics", "good"))

    extensions = load_extensions()

    assert reason in reason_for(extensions, name)
    assert list(extensions.metrics) == ["good"]
    assert not extensions.manager.has_plugin(f"acme-{name}:{name}")


@pytest.mark.parametrize("name", BREAKING)
def test_a_broken_extension_is_fatal_when_strict(extend: Extend, name: str) -> None:
    extend(f"{name}_strict", declares("metabench_suites", "mine") + BREAKING[name][0])

    beginning = rf"\AExtension '{name}_strict' of acme-{name}_strict is broken: [^\n]*[^.]"
    with pytest.raises(
        UsageError, match=rf"{beginning}\. Mend or uninstall it, or leave out --strict-plugins\.\Z"
    ):
        load_extensions(strict=True)


def test_a_broken_extension_does_not_spoil_the_next_one(extend: Extend) -> None:
    extend("a_misspelt", declares("metabench_dataset", "x"))
    extend("b_good", declares("metabench_datasets", "x"))

    extensions = load_extensions()

    assert [broken.name for broken in extensions.broken] == ["a_misspelt"]
    assert list(extensions.datasets) == ["x"]


def test_an_extension_without_hooks_is_reported(extend: Extend) -> None:
    extend("idle", "def metabench_metric():\n    return []\n")

    assert "it implements no hook" in reason_for(load_extensions(), "idle")


def test_a_missing_module_is_reported(install: Install) -> None:
    install("acme-gone", {"metabench": "gone = ext_gone_entirely"})

    assert load_extensions().broken == [
        Broken("gone", "acme-gone", "ModuleNotFoundError: No module named 'ext_gone_entirely'")
    ]


def test_one_module_under_two_names_is_loaded_once(install: Install) -> None:
    code = HEAD + declares("metabench_metrics", "f1")
    install("acme-alias", {"metabench": "alias_a = ext_alias\nalias_b = ext_alias"}, {"ext_alias.py": code})

    extensions = load_extensions()

    assert list(extensions.metrics) == ["f1"]
    assert [broken.name for broken in extensions.broken] == ["alias_b"]
    assert "already registered" in extensions.broken[0].reason


def test_metadata_without_a_name_breaks_nothing(install: Install) -> None:
    code = HEAD + declares("metabench_metrics", "f1")
    install("nameless", {"metabench": "lost = ext_nameless"}, {"ext_nameless.py": code}, metadata=False)

    extensions = load_extensions(strict=True)

    assert extensions.provider(extensions.metrics["f1"]) == "(unknown):lost"
