"""`--set` values: whose they are, and what their options take."""

from __future__ import annotations

import pytest

from metabench.cli.settings import Settings
from metabench.discovery.plugin import Plugin
from metabench.errors import UsageError
from metabench.referee.description import Description, OptionDescription, Undescribed

METHOD = Plugin("algorithm", "method", "acme:Method", "acme", "1.0")
BACKBONE = Plugin("backbone", "net", "acme:Net", "acme", "1.0")
BROKEN = Plugin("algorithm", "broken", "acme:Broken", "acme", "1.0")


def told(**defaults):
    options = {
        name: OptionDescription(default=value, type=type(value).__name__, help="")
        for name, value in defaults.items()
    }
    return Description(summary="", options=options, features_only=False, modality="", pretraining="none")


def settings(*texts):
    known = {
        METHOD: told(lr=0.1, steps=1, fast=False, kind="a"),
        BACKBONE: told(width=64),
        BROKEN: Undescribed("no import"),
    }
    return Settings(texts, known)


def test_every_option_has_its_default_or_what_is_set_as_its_type():
    chosen = settings("lr=2", "method.fast=yes", "kind=b=c", "net.width=8")
    assert chosen.entrant(METHOD).options == (("fast", True), ("kind", "b=c"), ("lr", 2.0), ("steps", 1))
    assert chosen.entrant(BACKBONE).options == (("width", 8),)
    chosen.check_all_used()


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
        ("fast=maybe", r"^Option 'fast' of 'method' is 'maybe'; expected true or false\."),
    ],
)
def test_a_setting_that_fits_nothing_is_refused(text, message):
    with pytest.raises(UsageError, match=message):
        _use(text)


def _use(text):
    chosen = settings(text)
    chosen.check_all_used()
    chosen.entrant(METHOD)
