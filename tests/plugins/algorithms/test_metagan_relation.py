"""MetaGAN on a Relation Network: both players' losses and gradients, and what BatchNorm learns from."""

from dataclasses import replace

import pytest
import torch

from metabench.api.options import OptionError
from metabench_plugins.algorithms.metagan_relation import MetaGANRelation
from metabench_plugins.algorithms.relation import RelationNet

DOUBLE = {"dtype": torch.float64}


@pytest.fixture
def learner(toy):
    """In evaluation mode, in which fakes are the same each time, with statistics of some episodes."""
    learner = toy.learner(MetaGANRelation, relation_channels=6, fake_weight=0.7, n_fakes=7).double()
    for seed in range(3):
        learner.loss(learner.seen(toy.episodes(**DOUBLE, seed=seed)))
    return learner.eval()


def losses_by_hand(learner, episodes):
    """Of the discriminator and of the generator; a sigmoid's score r goes as eʳ, the fake class as 1."""
    fakes = learner.generator(episodes.support)
    real, fake = (
        learner.predict(replace(episodes, query=query)).exp() for query in (episodes.query, fakes.detach())
    )
    chosen = real.gather(2, episodes.targets[..., None])[..., 0]
    supervised = -(chosen / real.sum(2)).log().mean()
    unsupervised = -(real.sum(2) / (1 + real.sum(2))).log().mean() - (1 / (1 + fake.sum(2))).log().mean()
    odds = learner.predict(replace(episodes, query=fakes)).exp().sum(2)
    return supervised + 0.7 * unsupervised, -(odds / (1 + odds)).log().mean()


def test_the_loss_is_that_of_both_players(toy, learner):
    episodes = learner.seen(toy.episodes(**DOUBLE))
    discriminator, generator = losses_by_hand(learner, episodes)

    torch.testing.assert_close(learner.loss(episodes), discriminator + generator)


def test_each_player_gets_the_gradient_of_its_own_loss(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    learner.loss(learner.seen(episodes)).backward()

    discriminator, generator = losses_by_hand(learner, learner.seen(episodes))
    for name, weight in learner.named_parameters():
        own = generator if name.startswith("generator.") else discriminator
        (expected,) = torch.autograd.grad(own, weight, retain_graph=True)
        torch.testing.assert_close(weight.grad, expected)
        assert bool((expected != 0).any()), name


def test_batchnorm_learns_nothing_from_fakes(toy, learner):
    episodes = learner.train().seen(toy.episodes(**DOUBLE))
    other = toy.learner(MetaGANRelation, relation_channels=6, n_fakes=7).double()
    other.load_state_dict(learner.state_dict())
    other.predict(episodes)
    learner.loss(episodes)

    for name, statistics in learner.relation.named_buffers():
        assert torch.equal(statistics, other.relation.get_buffer(name)), name
    assert all(part.training for part in learner.modules())


def test_answers_are_those_of_its_relation_network(toy, learner):
    plain = toy.learner(RelationNet, relation_channels=6).double()
    plain.load_state_dict(learner.state_dict(), strict=False)
    episodes = toy.episodes(**DOUBLE)

    assert learner.answer(episodes).shape == (2, 6, 3)
    assert torch.equal(learner.answer(episodes), plain.answer(episodes))


@pytest.mark.parametrize(
    ("option", "value", "least"), [("n_fakes", 0, 1), ("generator_width", 0, 1), ("fake_weight", -0.5, 0)]
)
def test_options_out_of_range_are_refused(toy, option, value, least):
    with pytest.raises(OptionError, match=rf"Option '{option}' is {value}; expected at least {least}"):
        toy.learner(MetaGANRelation, **{option: value})
