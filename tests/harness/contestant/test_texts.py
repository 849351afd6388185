"""Texts in the contestant: token ids become a dict with a mask, in meta-training and in testing."""

from functools import partial

import numpy as np
import pytest
import torch

from metabench.contestant.build import build_learner
from metabench.contestant.state import to_bytes
from metabench.contestant.test import test as play_test
from metabench.contestant.train import train as play_train
from metabench.wire.message import Message

N_TOKENS, LENGTH = 12, 5
TEXT_PLUGINS = """
    import torch
    from torch import nn
    from metabench.api import Backbone, Tokenizer

    class Words(Backbone):
        modality = "text"
        tokenizer = Tokenizer("word", n_tokens=12, length=5)

        def setup(self, example_shape):
            assert example_shape == (5,)
            self.embedding = nn.Embedding(self.n_tokens, 6)
            self.n_features = 6

        def forward(self, inputs):
            ids, mask = inputs["ids"], inputs["mask"]
            assert ids.dtype == torch.int64 and mask.dtype == torch.bool and ids.shape == mask.shape
            assert torch.equal(mask, ids != 0)
            return (self.embedding(ids) * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
"""


@pytest.fixture
def examples():
    """(40, 5) ids of texts of one to five tokens; ten of each of four classes in turn."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, N_TOKENS, (40, LENGTH))
    return ids * (np.arange(LENGTH) < rng.integers(1, LENGTH + 1, (40, 1)))


@pytest.fixture
def assignment(assign, write_plugin):
    def make(**changes):
        backbone = write_plugin(TEXT_PLUGINS, name="Words", module="text_plugin")
        return assign(backbone=backbone, example_shape=(LENGTH,), n_tokens=N_TOKENS, **changes)

    return make


@pytest.fixture
def conversation(channels, play):
    """Start a role; say something and hear the answer, whatever it is."""

    def start(role, *arguments):
        channel, player = play(partial(role, channels[1], *arguments))

        def hear(*said):
            for message in said:
                channel.send(message)
            return player.hear(channel)

        return hear

    return start


def test_a_learner_meta_trains_on_texts(assignment, conversation, examples):
    starts = np.arange(0, 41, 10)
    arrays = {
        f"{split}.{name}": array
        for split in ("meta_train", "meta_val")
        for name, array in (("examples", examples), ("starts", starts))
    }
    hear = conversation(play_train, assignment(episodes=4), arrays)
    assert hear().kind == "ready"
    kinds = [hear(Message("go")).kind]
    while kinds[-1] != "done":
        kinds.append(hear().kind)

    assert "commit" in kinds


@pytest.mark.parametrize("embed_once", [False, True])
def test_answers_are_those_of_the_learner(assignment, conversation, examples, embed_once):
    learner = build_learner(assignment(role="test"))
    hear = conversation(play_test, assignment(role="test"))
    assert hear().kind == "ready"
    assert hear(Message("weights", arrays={"weights": to_bytes(learner)})).kind == "ready"
    assert hear(Message("examples", {"embed_once": embed_once}, {"examples": examples})).kind == "ready"
    support, query = np.array([[0, 10, 20]]), np.array([[1, 11, 21, 2]])
    asked = {"support": support, "support_labels": np.array([[0, 1, 2]]), "query": query}
    logits = hear(Message("episodes", {"n_way": 3}, asked)).arrays["logits"]

    ids = torch.from_numpy(examples)
    features = learner.backbone({"ids": ids, "mask": ids != 0}).detach()
    torch.testing.assert_close(
        torch.from_numpy(logits.copy()), -torch.cdist(features[query], features[support])
    )
