"""The identity of a run on texts: whatever makes other token ids makes another run."""

from dataclasses import replace

import pytest

from metabench.data.dataset import Dataset
from metabench.discovery.plugin import Plugin
from metabench.results.arena import Arena
from metabench.results.assemble import Planned
from metabench.spec.benchmark import Benchmark
from metabench.spec.budget import parse_budget
from metabench.spec.plan import Entrant, RunPlan
from metabench.spec.protocol import Protocol
from metabench.spec.tokenizer import Tokenizer


@pytest.fixture
def planned(make_record):
    arena = Arena(Dataset("demo", "text", {}, "0" * 64, "1" * 64), (), make_record().benchmark)
    plan = RunPlan(
        benchmark=Benchmark("demo-3w1s", "demo", Protocol(3, 1, 2)),
        algorithm=Entrant(Plugin("algorithm", "one", "one:One", "demo", "1"), (), "2" * 64),
        backbone=Entrant(Plugin("backbone", "two", "two:Two", "demo", "1"), (), "3" * 64),
        features_only=True,
        pretraining="none",
        budget=parse_budget("6s"),
        seed=0,
        device="cpu",
        precision="fp32",
        n_threads=1,
        tokenizer=Tokenizer(),
    )
    return Planned.of(plan, arena)


@pytest.mark.parametrize(
    "tokenizer",
    [Tokenizer("bpe"), Tokenizer(length=8), Tokenizer(n_tokens=9), Tokenizer(lowercase=False), None],
)
def test_another_tokenizer_is_another_run(planned, tokenizer):
    other = replace(planned, plan=replace(planned.plan, tokenizer=tokenizer))

    assert other.identity != planned.identity
    assert replace(other, plan=planned.plan).identity == planned.identity


def test_another_version_of_the_library_is_another_run(planned, monkeypatch):
    before = planned.identity
    monkeypatch.setattr("metabench.results.assemble.version", lambda _: "99.0")

    assert planned.identity != before


def test_images_have_nothing_to_do_with_the_library(planned, monkeypatch):
    images = replace(planned, plan=replace(planned.plan, tokenizer=None))
    before = images.identity
    monkeypatch.setattr("metabench.results.assemble.version", lambda _: "99.0")

    assert images.identity == before
