"""Supervised pre-training: the steps of a loop by hand, an exact budget, commits on the way."""

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from metabench.api import option
from metabench.api import session as session_module
from metabench.api.options import OptionError, declared_options, resolve_options
from metabench.api.session import Allowance, LabelledPool, Session
from metabench_plugins.algorithms._pretraining import PretrainedAlgorithm, Pretraining, pretrain
from metabench_plugins.algorithms.protonet import class_means, squared_distances

# An episode of the learners here has 3 · (2 + 2) examples.
PER_EPISODE = 12


class Nearest(PretrainedAlgorithm):
    """Looks at its features by the nearest class mean."""

    features_only = True

    def predict(self, episodes):
        means = class_means(episodes.support, episodes.support_labels, episodes.n_way)
        return -squared_distances(episodes.query, means)


class Recorder:
    """What a session hands over."""

    def __init__(self):
        self.commits, self.reports = [], []

    def commit(self, learner):
        self.commits.append({name: value.clone() for name, value in learner.state_dict().items()})

    def report(self, spent):
        self.reports.append(spent)


def pool(seed, noise=0.1):
    """Eight classes of ten examples, told by two of five numbers; the others are louder noise."""
    rng = torch.Generator().manual_seed(seed)
    angles = torch.arange(8).repeat_interleave(10) * math.pi / 4
    examples = torch.stack([angles.cos(), angles.sin()], dim=1) + noise * torch.randn(80, 2, generator=rng)
    return LabelledPool(
        torch.cat([examples, 2 * torch.randn(80, 3, generator=rng)], dim=1), 10 * np.arange(9, dtype=np.int64)
    )


def session_for(learner, episodes, recorder=None):
    pools, device = (pool(0), pool(1)), torch.device("cpu")
    return Session(learner, pools, Allowance(None, episodes), recorder or Recorder(), seed=0, device=device)


@pytest.fixture(autouse=True)
def _short_validations(monkeypatch):
    monkeypatch.setattr(session_module, "VALIDATION_EPISODES", 3)


def trained_by_hand(learner, classifier, n_steps, how):
    """Adam with a rate that falls along a cosine, on the minibatches of a session alike."""
    session = session_for(learner, 10**6)
    weights = [*learner.backbone.parameters(), *classifier.parameters()]
    optimiser = torch.optim.Adam(weights, lr=1.0)
    for step in range(n_steps):
        optimiser.param_groups[0]["lr"] = how.lr * (1 + math.cos(math.pi * step / n_steps)) / 2
        inputs, labels = session.minibatch(how.batch_size)
        loss = functional.cross_entropy(classifier(learner.backbone(inputs)), labels)
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        optimiser.step()


@pytest.mark.parametrize(("share", "n_steps"), [(1.0, 8), (0.25, 2)])
def test_its_steps_are_those_of_a_loop_by_hand(toy, share, n_steps):
    learner, other = toy.learner(Nearest), toy.learner(Nearest)
    classifier, others = nn.Linear(4, 8), nn.Linear(4, 8)
    other.load_state_dict(learner.state_dict())
    others.load_state_dict(classifier.state_dict())
    how = Pretraining(lr=0.05, batch_size=PER_EPISODE, share=share)

    pretrain(learner, classifier, session_for(learner, 8), how)
    trained_by_hand(other, others, n_steps, how)

    torch.testing.assert_close(learner.state_dict(), other.state_dict())
    torch.testing.assert_close(classifier.state_dict(), others.state_dict())


def test_the_budget_is_spent_exactly_and_committed_on_the_way(toy):
    learner, recorder = toy.learner(Nearest, batch_size=PER_EPISODE), Recorder()
    session = session_for(learner, 160, recorder)
    with session.counting_steps():
        learner.meta_train(session)

    assert [spent.episodes for spent in recorder.reports] == [10, 20, 40, 80, 160]
    assert session.spent.steps == 160
    assert session.spent.validation is not None
    assert all(
        not torch.equal(one["backbone.layer.weight"], next_one["backbone.layer.weight"])
        for one, next_one in pairwise(recorder.commits)
    )
    torch.testing.assert_close(recorder.commits[-1], learner.state_dict())


def test_with_a_warm_up_the_rate_rises_to_that_of_the_cosine():
    how, cosine = Pretraining(0.5, 1, share=0.5, warm_up=0.2), Pretraining(0.5, 1, share=0.5)

    parts = [how.rate(progress) / cosine.rate(progress) for progress in (0.0, 0.025, 0.05, 0.1, 0.3)]

    assert parts == pytest.approx([0.0, 0.25, 0.5, 1.0, 1.0])


def test_a_method_may_make_the_warm_up_an_option(toy, monkeypatch):
    class Slow(Nearest):
        warm_up: float = option(0.5, "part in which the rate rises")

    rates = []
    monkeypatch.setattr(torch.optim.Adam, "step", lambda one: rates.append(one.param_groups[0]["lr"]))
    learner = toy.learner(Slow, outer_lr=0.1, batch_size=PER_EPISODE)
    learner.meta_train(session_for(learner, 4))

    assert rates == pytest.approx([0.0, 0.0426777, 0.05, 0.0146447], abs=1e-6)


def test_with_a_share_it_ends_there_and_leaves_the_rest(toy):
    learner, recorder = toy.learner(Nearest), Recorder()
    session = session_for(learner, 160, recorder)
    pretrain(learner, nn.Linear(4, 8), session, Pretraining(0.01, PER_EPISODE, share=0.25))

    assert session.spent.episodes == 40
    assert [spent.episodes for spent in recorder.reports] == [10, 20, 40]


def test_without_a_share_nothing_is_drawn(toy):
    learner = toy.learner(Nearest)
    session = session_for(learner, 10)
    pretrain(learner, nn.Linear(4, 8), session, Pretraining(0.01, PER_EPISODE, share=0.0))

    assert session.spent.examples == 0


def test_it_trains_in_training_mode(toy):
    learner = toy.learner(Nearest, backbone=toy.Conv4, shape=(1, 16, 16), batch_size=PER_EPISODE).eval()
    images = LabelledPool(torch.rand(80, 1, 16, 16), pool(0).starts)
    session = Session(
        learner, (images, images), Allowance(None, 5), Recorder(), seed=0, device=torch.device("cpu")
    )
    learner.meta_train(session)

    assert learner.backbone.blocks[0][1].num_batches_tracked == 5


def test_the_classifier_is_left_behind(toy):
    learner = toy.learner(Nearest)
    names = set(learner.state_dict())
    learner.meta_train(session_for(learner, 2))

    assert set(learner.state_dict()) == names == {"backbone.layer.weight", "backbone.layer.bias"}


def test_frozen_weights_stay(toy):
    learner = toy.learner(Nearest)
    learner.backbone.layer.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    learner.meta_train(session_for(learner, 40))

    assert torch.equal(learner.backbone.layer.weight, before["backbone.layer.weight"])
    assert not torch.equal(learner.backbone.layer.bias, before["backbone.layer.bias"])


def test_options_of_a_loop_over_episodes_are_not_to_be_had():
    with pytest.raises(OptionError, match=r"^Unknown option 'train_n_way'\."):
        resolve_options(declared_options(Nearest), {"train_n_way": 5})


def test_features_learn_to_tell_classes(toy):
    learner = toy.learner(Nearest, outer_lr=0.03, batch_size=40)

    def accuracy():
        return session_for(learner, 1).validate()

    before = accuracy()
    learner.meta_train(session_for(learner, 300))

    assert before < 0.7
    assert accuracy() > 0.85
