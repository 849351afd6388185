"""`metabench evaluate --backbone NAME:MODEL`: a pretrained model that the user names, from plan to proof."""

from __future__ import annotations

import json
import shutil

import pytest

from metabench.results.folder import read_all

WRAP = """
import json

import torch

from metabench.api import Backbone, Tokenizer, option


class Wrap(Backbone):
    modality = "text"
    pretraining = "as its model"
    takes_model = True
    tokenizer = Tokenizer("file", length=8, file="model:tokenizer.json")
    scale: float = option(1.0, "factor of the features")

    def setup(self, example_shape):
        weights = torch.tensor(json.loads((self.model_path / "weights.json").read_text()))
        assert len(weights) == self.n_tokens
        self.register_buffer("weights", self.scale * weights)
        self.n_features = 4

    def forward(self, inputs):
        return (self.weights[inputs["ids"]] * inputs["mask"][..., None]).sum(1)
"""
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ARGUMENTS = ("evaluate", "centroid", "--benchmark", "phrases-5w1s", "--budget", "2ep")


def save_model(folder, first):
    """A model that knows single letters, and its tokenizer."""
    from tokenizers import Tokenizer as Trained
    from tokenizers import models, pre_tokenizers

    vocabulary = {token: number for number, token in enumerate(["[PAD]", "[UNK]", *LETTERS])}
    trained = Trained(models.WordLevel(vocabulary, unk_token="[UNK]"))
    trained.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    folder.mkdir()
    trained.save(str(folder / "tokenizer.json"))
    (folder / "config.json").write_text("{}")
    weights = [[(first + 3 * row + column) % 7 for column in range(4)] for row in range(len(vocabulary))]
    (folder / "weights.json").write_text(json.dumps([list(map(float, row)) for row in weights]))


@pytest.fixture
def wrap(metabench, tmp_path):
    """Run the command where a package with the backbone `wrap` is installed and two models lie."""
    site = tmp_path / "site"
    info = site / "acme-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[metabench.backbones]\nwrap = acme_wrap:Wrap\n")
    (site / "acme_wrap.py").write_text(WRAP)
    for number, name in enumerate(("one", "two")):
        save_model(tmp_path / name, number)
    return lambda *arguments: metabench(*arguments, PYTHONPATH=str(site))


def test_a_run_with_a_model_is_known_by_its_contents_and_verified(wrap, tmp_path):
    arguments = (*ARGUMENTS, "--backbone", "wrap:./one", "--set", "wrap.scale=0.5")

    answer = wrap(*arguments)

    assert answer.returncode == 0, answer.stderr
    ((stored,), problems) = read_all(tmp_path / "results")
    assert not problems
    assert (stored.record.backbone.name, stored.record.pretraining) == ("wrap:./one", "as its model")
    assert stored.record.backbone.options == {"scale": 0.5}
    assert (stored.record.status, stored.record.audit.verdict) == ("ok", "inductive")
    assert "pretrained backbones" in answer.stdout
    assert wrap("verify", "results", "--rerun", "2").returncode == 0

    # By other paths: the same model is the same run, another one is not.
    shutil.move(tmp_path / "one", tmp_path / "same")
    planned = wrap(
        *[text.replace("./one", "same") for text in arguments], "--backbone", "wrap:two", "--dry-run"
    )
    assert [line.split()[:1] for line in planned.stdout.splitlines()[2:]] == [["done"], ["to"]]
    shutil.move(tmp_path / "two", tmp_path / "one")
    changed = wrap("verify", "results", "--rerun", "2")
    assert changed.returncode == 1
    assert "'wrap:./one' has source" in changed.stdout


def test_without_a_model_nothing_is_run(wrap):
    answer = wrap(*ARGUMENTS, "--backbone", "wrap")

    assert answer.returncode == 2
    assert answer.stderr == (
        "Error: Backbone 'wrap' names no pretrained model; expected 'wrap:MODEL', where MODEL is a file, a "
        "folder, or a name on the Hugging Face hub. Name one.\n"
    )
