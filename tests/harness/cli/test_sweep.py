"""From words to plans: what does not fit together is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabench.cli.sweep import _check_model
from metabench.discovery.plugin import Plugin
from metabench.errors import UsageError
from metabench.referee.description import Description, Undescribed


def backbone(name, model=None):
    return Plugin("backbone", name, "acme:One", "acme", "1.0", model=model)


def told(*, takes_model):
    return Description(
        summary="",
        options={},
        features_only=False,
        modality="image",
        pretraining="none",
        takes_model=takes_model,
    )


def test_a_backbone_that_takes_a_model_needs_one_and_others_take_none():
    with pytest.raises(
        UsageError, match=r"^Backbone 'wrap' names no .* expected 'wrap:MODEL', .* Name one\.$"
    ):
        _check_model(told(takes_model=True), backbone("wrap"))
    with pytest.raises(UsageError, match=r"^Backbone 'one' takes no model; got 'one:m'\. Name it alone\.$"):
        _check_model(told(takes_model=False), backbone("one:m", Path("m")))


def test_what_fits_or_cannot_be_told_passes():
    _check_model(told(takes_model=True), backbone("wrap:m", Path("m")))
    _check_model(told(takes_model=False), backbone("one"))
    _check_model(Undescribed("no import"), backbone("broken"))
