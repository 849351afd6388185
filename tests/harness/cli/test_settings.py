"""`--set` values: whose they are, and what their options take."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from metabench.api.options import resolve_options
from metabench.cli.settings import Settings
from metabench.discovery.plugin import Plugin
from metabench.errors import UsageError
from metabench.referee.description import Description, OptionDescription, Undescribed
from metabench.spec.option import Option, OptionError

METHOD = Plugin("algorithm", "method", "acme:Method", "acme", "1.0")
BACKBONE = Plugin("backbone", "net", "acme:Net", "acme", "1.0")
BROKEN = Plugin("algorithm", "broken", "acme:Broken", "acme", "1.0")


OPTIONS = {
    "lr": Option(0.1, "", at_least=0, at_most=1),
    "steps": Option(1, "", at_least=1),
    "fast": Option(False, ""),
    "kind": Option("a", "", choices=("a", "b=c")),
}


def told(**options):
    described = {name: OptionDescription(**asdict(one)) for name, one in options.items()}
    return Description(summary="", options=described, features_only=False, modality="", pretraining="none")


def settings(*texts):
    known = {
        METHOD: told(**OPTIONS),
        BACKBONE: told(width=Option(64, "")),
        BROKEN: Undescribed("no import"),
    }
    return Settings(texts, known)


def test_every_option_has_its_default_or_what_is_set_as_its_type():
    chosen = settings("lr=1", "method.fast=yes", "kind=b=c", "net.width=8")
    assert chosen.entrant(METHOD).options == (("fast", True), ("kind", "b=c"), ("lr", 1.0), ("steps", 1))
    assert chosen.entrant(BACKBONE).options == (("width", 8),)
    chosen.check_all_used()


@pytest.mark.parametrize(("name", "value"), [("lr", -1.0), ("lr", 2.0), ("steps", 0), ("kind", "b")])
def test_the_command_line_refuses_with_the_sentence_that_a_learner_would(name, value):
    with pytest.raises(UsageError) as told_before:
        settings(f"{name}={value}").entrant(METHOD)
    with pytest.raises(OptionError) as told_by_learner:
        resolve_options(OPTIONS, {name: value})

    assert str(told_before.value).replace(" of 'method'", "") == str(told_by_learner.value)


def test_what_a_plugin_takes_that_cannot_tell_is_left_to_it():
    assert settings("broken.lr=2").entrant(BROKEN).options == (("lr", "2"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr", r"^Setting 'lr' is no setting; expected OPTION=VALUE or PLUGIN\.OPTION=VALUE\.$"),
        ("other.lr=1", r"^Unknown plugin in --set 'other'\."),
        ("stepps=1", r"^Unknown option of method 'stepps'\. Did you mean 'steps'\?"),
        (
            "steps=1.5",
            r"^Option 'steps' of 'method' is '1\.5'; expected a whole number\. Its default is 1\.$",
        ),
        *(
            (
                f"lr={text}",
                rf"^Option 'lr' of 'method' is '{text}'; expected a finite number\. Its default is 0\.1\.$",
            )
            for text in ("fast", "nan", "inf", "-Infinity", "1e400")
        ),
        ("lr=-1", r"^Option 'lr' of 'method' is -1\.0; expected at least 0\. Its default is 0\.1\.$"),
        ("method.lr=2", r"^Option 'lr' of 'method' is 2\.0; expected at most 1\."),
        ("steps=0", r"^Option 'steps' of 'method' is 0; expected at least 1\."),
        ("kind=b", r"^Option 'kind' of 'method' is 'b'; expected one of a, b=c\. Its default is 'a'\.$"),
        ("fast=maybe", r"^Option 'fast' of 'method' is 'maybe'; expected true or false\."),
    ],
)
def test_a_setting_that_fits_nothing_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        _use(text)


@pytest.mark.parametrize("texts", [("lr=0.1", "lr=0.2"), ("method.lr=0.1", "steps=2", "method.lr=0.1")])
def test_an_option_is_set_once(texts):
    with pytest.raises(UsageError, match=r"^Option '(method\.)?lr' is set 2 times; expected once\. Keep one"):
        settings(*texts)


@pytest.mark.parametrize("texts", [("lr=0.1", "method.lr=0.2"), ("method.lr=0.2", "lr=0.1")])
def test_what_is_set_by_a_plugins_name_counts_more_than_what_is_set_for_all(texts):
    assert dict(settings(*texts).entrant(METHOD).options)["lr"] == 0.2


def _use(text):
    chosen = settings(text)
    chosen.check_all_used()
    chosen.entrant(METHOD)
