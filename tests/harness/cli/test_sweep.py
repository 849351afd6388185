"""From words to plans: what does not fit together is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabench.cli import sweep as sweep_module
from metabench.cli.sweep import Request, _check_model, plan_sweep
from metabench.data.places import Places
from metabench.discovery.plugin import Plugin
from metabench.discovery.trusted import load_extensions
from metabench.errors import UsageError
from metabench.referee.description import Description, Undescribed


def backbone(name, model=None):
    return Plugin("backbone", name, "acme:One", "acme", "1.0", model=model)


def told(*, takes_model=False, modality="image", **more):
    return Description(
        summary="",
        options={},
        features_only=False,
        modality=modality,
        pretraining="none",
        takes_model=takes_model,
        **more,
    )


@pytest.fixture
def plan(monkeypatch, tmp_path):
    """Plan runs of `maml` and `protonet`, of which the first wishes for a backbone for images."""

    def describe(plugins, _):
        wish = {"maml": {"image": "resnet12"}}
        return {
            one: told(
                modality="text" if one.name == "bilstm" else "image",
                default_backbones=wish.get(one.name, {}),
            )
            for one in plugins
        }

    monkeypatch.setattr(sweep_module, "describe_plugins", describe)
    monkeypatch.setattr(sweep_module, "make_ready", lambda *_: None)
    monkeypatch.setattr(sweep_module, "_as_seen", lambda *_: None)

    def plan(*benchmarks, backbones=(), settings=()):
        request = Request(
            algorithms=("maml", "protonet"),
            benchmarks=benchmarks,
            backbones=backbones,
            budget="2ep",
            seeds=(0,),
            device="cpu",
            precision="fp32",
            settings=settings,
            n_threads=1,
        )
        sweep = plan_sweep(request, load_extensions(), Places(tmp_path, mirror=None))
        return [(one.algorithm.plugin.name, one.backbone.plugin.name) for one in sweep.plans]

    return plan


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


def test_an_algorithm_runs_on_the_backbone_that_it_wishes_for_else_on_that_of_the_dataset(plan):
    assert plan("glyphs-5w1s", "phrases-5w1s") == [
        ("maml", "resnet12"),
        ("protonet", "conv4"),
        ("maml", "bilstm"),
        ("protonet", "bilstm"),
    ]


def test_whoever_names_a_backbone_gets_it(plan):
    assert plan("glyphs-5w1s", backbones=("wrn",)) == [("maml", "wrn"), ("protonet", "wrn")]


def test_a_setting_of_a_backbone_that_only_another_run_might_have_had_is_refused(plan):
    with pytest.raises(UsageError, match="Unknown plugin in --set 'conv4'"):
        plan("glyphs-5w1s", backbones=("wrn",), settings=("conv4.width=64",))
