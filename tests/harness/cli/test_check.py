"""`metabench check` as a user runs it: what is wrong with a method of one's own."""

from __future__ import annotations

import json

import pytest

# Answers by the distance to class means, after the mean of all queries has been taken off.
PEEKS = """
import torch
from metabench.api import Algorithm, option
from torch.nn import functional

class Peeks(Algorithm):
    features_only = True
    scale: float = option(1.0, "factor of the distances")

    def loss(self, episodes):
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes):
        members = functional.one_hot(episodes.support_labels, episodes.n_way).to(episodes.support.dtype)
        means = members.mT @ episodes.support / members.sum(1)[..., None]
        query = episodes.query - episodes.query.mean(1, keepdim=True)
        return -self.scale * torch.cdist(query, means - episodes.support.mean(1, keepdim=True)).square()
"""


@pytest.fixture
def peeks(tmp_path):
    file = tmp_path / "peeks.py"
    file.write_text(PEEKS)
    return f"{file}:Peeks"


def test_what_a_method_fails_is_named_with_its_backbone_and_exits_with_1(metabench, peeks):
    answer = metabench("check", peeks, "--set", "scale=0.5")

    assert answer.returncode == 1, answer.stderr
    rows = {line.split()[0]: line.split()[1:] for line in answer.stdout.splitlines() if line}
    assert rows["check"] == ["TinyImage", "TinyText"]
    assert rows["output"] == rows["learning"] == ["pass", "pass"]
    assert rows["query-company"] == ["fail", "fail"]
    assert "fail: query-company on TinyImage: " in answer.stdout
    assert "Peeks fails 2 of 34 checks.\n" in answer.stdout


def test_checks_are_told_as_json_for_the_backbones_that_are_named(metabench, peeks):
    answer = metabench("check", peeks, "--backbone", "bag", "--protocol", "2w1s", "--json")

    (told,) = json.loads(answer.stdout)
    status = {one["check"]: one["status"] for one in told["checks"]}
    assert answer.returncode == 1
    assert {one["backbone"] for one in told["checks"]} == {"bag"}
    assert (status["output"], status["query-company"]) == ("pass", "fail")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["protonets"], "Unknown algorithm 'protonets'. Did you mean 'protonet'?"),
        (["protonet", "--backbone", "bagg"], "Unknown backbone 'bagg'. Did you mean 'bag'"),
        (["protonet", "--protocol", "50w1s"], "Protocol '50w1s' is more than the toy problems have"),
        (["protonet", "--set", "scael=1"], "Unknown option of protonet 'scael'."),
        (["protonet", "--set", "bag.width=1"], "Unknown plugin in --set 'bag'."),
        ([], "Missing argument 'ALGORITHMS...'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_answered_before_anything_is_checked(metabench, arguments, message):
    answer = metabench("check", *arguments)

    assert answer.returncode == 2
    assert message in answer.stderr
    assert "Checking" not in answer.stderr
