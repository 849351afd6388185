"""Meta-SGD: its one step and both of its gradients against references."""

import pytest
import torch
from torch.func import functional_call, grad

from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.algorithms.meta_sgd import MetaSGD

DOUBLE = {"dtype": torch.float64}
NAMES = ["backbone.layer.weight", "backbone.layer.bias", "head.weight", "head.bias"]


@pytest.fixture
def learner(toy):
    """With step sizes of all kinds, some negative, as after training."""
    learner = toy.learner(MetaSGD).double()
    with torch.no_grad():
        for sizes in learner.step_sizes:
            sizes.copy_(0.5 * torch.randn_like(sizes))
    return learner


def test_each_weight_has_a_step_size_of_its_own(toy):
    learner = toy.learner(MetaSGD, inner_lr=0.25)

    shapes = [learner.get_parameter(name).shape for name in NAMES]
    assert [sizes.shape for sizes in learner.step_sizes] == shapes
    assert all(bool((sizes == 0.25).all()) for sizes in learner.step_sizes)


def test_adaptation_is_one_step_of_these_sizes(toy, learner):
    episode = toy.episodes(**DOUBLE, n=1)

    def support_loss(weights):
        logits = functional_call(learner, weights, (episode.support[0],))
        labels = episode.support_labels[0]
        return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()

    weights = {name: learner.get_parameter(name).detach().clone() for name in NAMES}
    gradients = grad(support_loss)(weights)
    adapted = learner.adapt(episode, training=True)

    assert list(adapted) == NAMES
    for name, sizes in zip(NAMES, learner.step_sizes, strict=True):
        torch.testing.assert_close(adapted[name], weights[name] - sizes * gradients[name])


def test_the_gradients_are_those_of_finite_differences(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    learner.loss(episodes).backward()

    for name, weight in learner.named_parameters():
        place = tuple(size - 1 for size in weight.shape)
        sides = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[place] += step
            sides.append(learner.loss(episodes).item())
            with torch.no_grad():
                weight[place] -= step
        expected = (sides[0] - sides[1]) / 2e-5
        assert weight.grad[place].item() == pytest.approx(expected, rel=1e-5, abs=1e-8), name


def test_with_equal_step_sizes_it_is_maml_of_one_step(toy):
    ours, theirs = toy.learner(MetaSGD, inner_lr=0.3).double(), toy.learner(MAML, inner_lr=0.3).double()
    theirs.load_state_dict({name: ours.get_parameter(name) for name in NAMES})
    episodes = toy.episodes(**DOUBLE)
    ours.loss(episodes).backward()
    theirs.loss(episodes).backward()

    torch.testing.assert_close(ours.answer(episodes), theirs.answer(episodes))
    for name in NAMES:
        torch.testing.assert_close(ours.get_parameter(name).grad, theirs.get_parameter(name).grad)


def test_frozen_weights_have_no_step_size(toy):
    class Frozen(toy.Dense):
        def setup(self, example_shape):
            super().setup(example_shape)
            self.layer.weight.requires_grad_(False)

    learner = toy.learner(MetaSGD, backbone=Frozen)
    learner.loss(toy.episodes()).backward()

    assert len(learner.step_sizes) == 3
    assert learner.backbone.layer.weight.grad is None
