"""Meta-Transformer by Reptile: its steps against Reptile's, from a last layer of zeros."""

import pytest
import torch

from metabench_plugins.algorithms.meta_transformer_reptile import MetaTransformerReptile
from metabench_plugins.algorithms.reptile import Reptile

DOUBLE = {"dtype": torch.float64}
OPTIONS = {"inner_lr": 0.05, "inner_steps": 3, "inner_shot": 1, "outer_lr": 0.5, "test_steps": 4}


class GivenEpisodes:
    """A session of one step."""

    progress = 0.0

    def __init__(self, episodes):
        self._episodes = episodes

    def steps(self):
        return range(1)

    def episodes(self, *_, **__):
        return self._episodes


@pytest.fixture
def pair(toy):
    """It and Reptile on the same features; Reptile's last layer is zero."""
    ours, theirs = (toy.learner(kind, **OPTIONS).double() for kind in (MetaTransformerReptile, Reptile))
    theirs.backbone.load_state_dict(ours.backbone.state_dict())
    zero(theirs.head)
    return ours, theirs


def zero(head):
    for weight in head.parameters():
        torch.nn.init.zeros_(weight)


def test_it_moves_as_reptile_does_whose_last_layer_is_zero_in_each_step(toy, pair):
    first = pair[0].backbone.layer.weight.clone()
    for seed in range(3):
        for learner in pair:
            torch.manual_seed(seed)
            learner.meta_train(GivenEpisodes(toy.episodes(**DOUBLE, seed=seed)))
        assert pair[1].head.weight.any()
        zero(pair[1].head)

    ours, theirs = (learner.backbone.state_dict() for learner in pair)
    assert not torch.allclose(ours["layer.weight"], first, rtol=0.01)
    for name, weight in ours.items():
        torch.testing.assert_close(weight, theirs[name])
    assert not any(weight.any() for weight in pair[0].head.parameters())


def test_it_answers_as_reptile_does_from_there(toy, pair):
    ours, theirs = (learner.answer(toy.episodes(**DOUBLE)) for learner in pair)

    torch.testing.assert_close(ours, theirs)
    assert not ours.requires_grad


def test_no_loss_reaches_its_last_layer(toy):
    learner = toy.learner(MetaTransformerReptile, **OPTIONS)

    trained = [name for name, weight in learner.named_parameters() if weight.requires_grad]
    assert trained == ["backbone.layer.weight", "backbone.layer.bias"]
