"""The command that makes a result again is one that the program takes, and asks for the same run."""

import shlex
from collections.abc import Iterable

import pytest

from metabench.cli.evaluate import evaluate
from metabench.site.command import about_command, evaluate_command
from metabench.spec.budget import NAMED_BUDGETS, parse_budget


def options(command: Iterable[str]) -> dict:
    """What `metabench evaluate` makes of a command."""
    words = shlex.split(" ".join(command))
    assert words[:2] == ["metabench", "evaluate"]
    return evaluate.make_context("evaluate", words[2:], resilient_parsing=True).params


def ours(make_plugin, name: str, **options):
    return make_plugin(name, options, distribution="metabench")


def test_every_part_of_the_run_is_asked_for(make_record, make_plugin) -> None:
    record = make_record(
        algorithm=ours(make_plugin, "maml", inner_lr=1e-05, second_order=True, steps=5),
        backbone=ours(make_plugin, "conv4", channels=64),
        benchmark={"name": "omniglot-5w1s"},
        environment={"precision": "bf16"},
        seed=3,
    )

    told = options(evaluate_command(record))

    assert told["algorithms"] == ("maml",)
    assert told["benchmarks"] == ("omniglot-5w1s",)
    assert told["backbones"] == ("conv4",)
    assert (told["budget"], told["seeds"]) == ("300s", "3")
    assert (told["device"], told["precision"]) == ("cpu", "bf16")
    assert told["settings"] == (
        "maml.inner_lr=1e-05",
        "maml.second_order=true",
        "maml.steps=5",
        "conv4.channels=64",
    )


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"distribution": "metabench"}, "NearestMean"),
        ({"distribution": "acme-meta"}, "acme-meta:NearestMean"),
        ({"distribution": "(file)", "target": "nearest_mean:NearestMean"}, "./nearest_mean.py:NearestMean"),
    ],
)
def test_a_plugin_is_asked_for_where_it_comes_from(make_record, make_plugin, fields, asked: str) -> None:
    record = make_record(algorithm=make_plugin("NearestMean", {"scale": 2}, **fields))
    told = options(evaluate_command(record))
    assert told["algorithms"] == (asked,)
    assert "NearestMean.scale=2" in told["settings"]


def test_a_pretrained_model_is_named_behind_its_backbone_but_not_in_settings(
    make_record, make_plugin
) -> None:
    backbone = make_plugin("hf:org/model", {"tune": False}, distribution="metabench")
    told = options(evaluate_command(make_record(backbone=backbone)))
    assert told["backbones"] == ("hf:org/model",)
    assert "hf.tune=false" in told["settings"]


@pytest.mark.parametrize("name", [*NAMED_BUDGETS, "90s", "2000ep", "1.5s"])
def test_a_budget_is_asked_for_by_what_gives_just_this_one(make_record, name: str) -> None:
    budget = parse_budget(name)
    fields = {
        "name": "whatever",
        "seconds": budget.seconds,
        "episodes": budget.episodes,
        "memory_mib": budget.memory_mib,
        "adaptation_s": budget.adaptation_s,
        "device_memory_mib": budget.device_memory_mib,
    }
    record = make_record(budget=fields)
    assert options(evaluate_command(record))["budget"] == name
    assert not any("budget" in line for line in about_command(record))


def test_a_budget_that_cannot_be_asked_for_is_said_to_be_another(make_record) -> None:
    record = make_record(budget={"seconds": 300.0, "memory_mib": 12345})
    assert any("12345 MiB" in line and "another result" in line for line in about_command(record))


def test_a_gpu_is_asked_for_where_the_run_had_one(make_record) -> None:
    record = make_record(environment={"device_class": "NVIDIA H200"})
    assert options(evaluate_command(record))["device"] == "cuda:0"
    assert "On NVIDIA H200." in list(about_command(record))


def test_a_hostile_text_stays_one_word_of_the_command(make_record, make_plugin) -> None:
    value = "'; rm -rf ~; echo `id` $(id) \"\\"
    record = make_record(
        algorithm=ours(make_plugin, "--results", text=value), benchmark={"name": "x; reboot"}
    )
    told = options(evaluate_command(record))
    assert told["algorithms"] == ("--results",)
    assert told["benchmarks"] == ("x; reboot",)
    assert f"--results.text={value}" in told["settings"]


def test_control_characters_are_spelt_out(make_record) -> None:
    command = evaluate_command(make_record(benchmark={"name": "a\x1b[31m\nb\u202e"}))
    assert " ".join(command).isprintable()


def test_the_packages_of_plugins_and_the_cores_are_told(make_record, make_plugin) -> None:
    record = make_record(algorithm=make_plugin("maml"), backbone=ours(make_plugin, "conv4"))
    assert list(about_command(record))[:3] == [
        "With Python 3.11, torch 2.13.0, numpy 2.4, metabench 0.1.0.",
        "maml is from the package demo 1.0.",
        "On 2 cores: the run computed in as many threads as it could use cores.",
    ]
