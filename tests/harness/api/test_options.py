"""Options: typed by their defaults, checked when they are set, inherited like any attribute."""

import json

import pytest

import metabench.api
from metabench.api import option
from metabench.api.options import declared_options, resolve_options
from metabench.spec.option import Option, OptionError


class Parent:
    lr: float = option(0.1, "step size", at_least=0, at_most=1)
    steps: int = option(5, "how many", at_least=1)
    fast: bool = option(False, "quickly")
    mode: str = option("a", "which way", choices=("a", "b"))
    note: str = option("", "anything")

    def __init__(self, **values):
        self.__dict__.update(values)


class Child(Parent):
    lr: float = option(0.5, "larger step size")
    steps = 3
    depth: int = option(2, "layers")


class Grandchild(Child):
    lr: float
    steps: int = option(7, "free again")


DECLARED = declared_options(Parent)


def test_the_names_that_plugin_authors_import_are_these():
    assert metabench.api.__all__ == [
        "Algorithm",
        "Backbone",
        "Episodes",
        "EpisodicBatchNorm2d",
        "Inputs",
        "Session",
        "Tokenizer",
        "option",
        "results",
        "statistics_from_first",
        "trim_padding",
    ]
    assert all(hasattr(metabench.api, name) for name in metabench.api.__all__)


def test_options_are_found_with_their_parents_sorted_by_name():
    assert list(DECLARED) == ["fast", "lr", "mode", "note", "steps"]
    assert list(declared_options(Child)) == ["depth", "fast", "lr", "mode", "note"]


def test_an_overridden_option_is_the_childs():
    assert declared_options(Child)["lr"] == Option(0.5, "larger step size")
    assert declared_options(Parent)["lr"].default == 0.1


def test_a_plain_value_fixes_an_option_for_good_or_until_a_child_frees_it():
    assert Child().steps == 3
    with pytest.raises(OptionError, match=r"^Unknown option 'steps'\."):
        resolve_options(declared_options(Child), {"steps": 4})
    assert declared_options(Grandchild)["steps"].default == 7


def test_a_class_without_options_has_none():
    assert declared_options(object) == {}
    with pytest.raises(OptionError, match=r"^Unknown option 'x'\. Available: none\.$"):
        resolve_options({}, {"x": 1})


def test_an_object_sees_its_value_and_else_the_default():
    assert Parent().lr == 0.1
    assert Parent(lr=0.3).lr == 0.3
    assert isinstance(Parent.lr, Option)
    one = Parent()
    one.lr = 0.7
    assert (one.lr, Parent().lr) == (0.7, 0.1)


def test_every_option_gets_a_value():
    assert resolve_options(DECLARED, {"lr": 0.2, "mode": "b"}) == {
        "fast": False,
        "lr": 0.2,
        "mode": "b",
        "note": "",
        "steps": 5,
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [("lr", 0.0), ("lr", 1.0), ("steps", 1), ("steps", 10**30), ("fast", True), ("mode", "b"), ("note", "ä")],
)
def test_a_value_in_bounds_is_taken(name, value):
    taken = resolve_options(DECLARED, {name: value})[name]

    assert taken == value
    assert type(taken) is type(value)


def test_a_whole_number_is_taken_as_a_float_where_one_is_expected():
    taken = resolve_options(DECLARED, {"lr": 1})["lr"]

    assert taken == 1.0
    assert type(taken) is float


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("lr", "0.1", "a value of type float"),
        ("lr", True, "a value of type float"),
        ("lr", None, "a value of type float"),
        ("lr", float("nan"), "a finite number"),
        ("lr", float("inf"), "a finite number"),
        ("lr", -float("inf"), "a finite number"),
        ("lr", 10**400, "a finite number"),
        ("lr", -(10**400), "a finite number"),
        ("lr", -0.1, "at least 0"),
        ("lr", -1, "at least 0"),
        ("lr", 1.5, "at most 1"),
        ("steps", 0, "at least 1"),
        ("steps", 2.0, "a value of type int"),
        ("steps", True, "a value of type int"),
        ("steps", "2", "a value of type int"),
        ("fast", 1, "a value of type bool"),
        ("fast", "true", "a value of type bool"),
        ("mode", "c", "one of a, b"),
        ("mode", 1, "a value of type str"),
        ("note", None, "a value of type str"),
        ("note", ["x"], "a value of type str"),
    ],
)
def test_another_value_is_refused(name, value, expected):
    with pytest.raises(OptionError, match=rf"^Option '{name}' is .*; expected {expected}\. Its default is "):
        resolve_options(DECLARED, {name: value})


def test_the_refusal_tells_value_and_default():
    with pytest.raises(
        OptionError, match=r"^Option 'lr' is 2\.0; expected at most 1\. Its default is 0\.1\.$"
    ):
        resolve_options(DECLARED, {"lr": 2})


@pytest.mark.parametrize(
    ("name", "hint"), [("step", "Did you mean 'steps'? "), ("ffast", "Did you mean 'fast'? "), ("zzz", "")]
)
def test_an_unknown_name_is_answered_with_the_nearest(name, hint):
    with pytest.raises(OptionError) as refused:
        resolve_options(DECLARED, {name: 1})

    assert str(refused.value) == f"Unknown option '{name}'. {hint}Available: fast, lr, mode, note, steps."


@pytest.mark.parametrize("default", [None, [1], (1,), b"x", float("nan"), float("inf"), 1j])
def test_a_default_that_no_option_can_have_is_refused_where_it_is_declared(default):
    with pytest.raises(OptionError, match=r"^The default of an option is .*; expected .* the help 'size'\.$"):
        option(default, "size")


def test_a_default_out_of_its_own_bounds_is_refused():
    with pytest.raises(OptionError, match=r"^Option 'x' is 0; expected at least 1\."):
        resolve_options({"x": Option(0, "", at_least=1)}, {})


def test_all_defaults_are_json():
    assert json.loads(json.dumps(resolve_options(DECLARED, {}), allow_nan=False))
