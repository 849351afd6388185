"""`metabench evaluate` on texts: one benchmark, seen through the tokenizer of each backbone."""

from __future__ import annotations

import random

import pytest

from metabench.results.folder import read_all

WORDS = """
from torch import nn

from metabench.api import Backbone, Tokenizer


class Words(Backbone):
    modality = "text"
    tokenizer = Tokenizer("word", n_tokens=40, length=6)

    def setup(self, example_shape):
        assert example_shape == (6,)
        assert self.n_tokens <= 40
        self.embedding = nn.Embedding(self.n_tokens, 8)
        self.n_features = 8

    def forward(self, inputs):
        return (self.embedding(inputs["ids"]) * inputs["mask"][..., None]).sum(1)
"""


@pytest.fixture
def demo(metabench, tmp_path):
    """Where a data set `demo` is: 18 classes of 20 texts, every class with words of its own."""
    rng = random.Random(0)
    lines = ["text,label"]
    for label in range(18):
        for number in range(20):
            words = [f"w{label}x{rng.randint(0, 3)}", f"n{number}", *rng.choices(["a", "the", "one"], k=3)]
            lines.append(f"{' '.join(words)},class{label}")
    (tmp_path / "texts.csv").write_text("\n".join(lines) + "\n")
    home = {"METABENCH_HOME": str(tmp_path / "home")}
    imported = metabench("data", "import", "demo", tmp_path / "texts.csv", **home)
    assert imported.returncode == 0, imported.stderr
    return home


def test_each_backbone_sees_the_texts_through_its_tokenizer(metabench, demo, tmp_path):
    (tmp_path / "words.py").write_text(WORDS)
    arguments = ("evaluate", "centroid", "--benchmark", "demo-3w1s", "--budget", "2ep")
    arguments += ("--backbone", "bag", "--backbone", "./words.py:Words")

    answer = metabench(*arguments, **demo)

    assert answer.returncode == 0, answer.stderr
    stored, problems = read_all(tmp_path / "results")
    assert not problems
    records = [one.record for one in stored]
    assert {(one.tokenizer.kind, one.tokenizer.length) for one in records} == {("bpe", 32), ("word", 6)}
    assert [(one.status, one.audit.verdict) for one in records] == [("ok", "inductive")] * 2
    assert len({one.benchmark.manifest_hash for one in records}) == 1
    assert len(list((tmp_path / "home" / "store").glob("tokens-demo-*[0-9a-f]"))) == 2
    assert metabench(*arguments, "--dry-run", **demo).stdout.count("done ") == 2


def test_a_backbone_of_images_is_refused_texts(metabench, demo):
    answer = metabench("evaluate", "centroid", "--benchmark", "demo-3w1s", "--backbone", "conv4", **demo)

    assert answer.returncode == 2
    assert "Backbone 'conv4' takes image; benchmark 'demo-3w1s' has text" in answer.stderr
