"""ANIL: the last layer's adaptation and the gradient of features against references."""

import pytest
import torch

from metabench_plugins.algorithms.anil import ANIL
from metabench_plugins.algorithms.maml import MAML

DOUBLE = {"dtype": torch.float64}


@pytest.fixture
def learner(toy):
    return toy.learner(ANIL, inner_lr=0.5, inner_steps=2).double()


def cross_entropy_by_hand(logits, labels):
    return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()


def outer_loss_by_hand(weights, episodes, *, inner_lr=0.5, inner_steps=2):
    """Episode by episode: features once, then inner steps of the last layer alone."""
    losses = []
    for index in range(len(episodes)):
        support, query = (
            torch.tanh(x[index] @ weights["backbone.layer.weight"].T + weights["backbone.layer.bias"])
            for x in (episodes.support, episodes.query)
        )
        labels = episodes.support_labels[index]
        head = {name: weights[f"head.{name}"] for name in ("weight", "bias")}
        for _ in range(inner_steps):
            gradients = torch.func.grad(
                lambda head, x=support, y=labels: cross_entropy_by_hand(
                    x @ head["weight"].T + head["bias"], y
                )
            )(head)
            head = {name: one - inner_lr * gradients[name] for name, one in head.items()}
        logits = query @ head["weight"].T + head["bias"]
        losses.append(cross_entropy_by_hand(logits, episodes.targets[index]))
    return torch.stack(losses).mean()


def flat_weights(learner):
    return {name: weight.detach().clone() for name, weight in learner.named_parameters()}


def gradients_of(learner, episodes):
    learner.zero_grad()
    learner.loss(learner.seen(episodes)).backward()
    return {name: weight.grad.clone() for name, weight in learner.named_parameters()}


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_loss_and_gradient_are_those_of_explicit_steps(toy, inner_steps):
    learner = toy.learner(ANIL, inner_lr=0.5, inner_steps=inner_steps).double()
    episodes = toy.episodes(**DOUBLE, n=3)

    expected, value = torch.func.grad_and_value(outer_loss_by_hand)(
        flat_weights(learner), episodes, inner_steps=inner_steps
    )
    torch.testing.assert_close(learner.loss(learner.seen(episodes)).detach(), value)
    for name, gradient in gradients_of(learner, episodes).items():
        torch.testing.assert_close(gradient, expected[name])


def test_the_meta_gradient_is_that_of_finite_differences(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    gradients = gradients_of(learner, episodes)

    for name, weight in learner.named_parameters():
        place = tuple(size - 1 for size in weight.shape)
        sides = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[place] += step
            sides.append(learner.loss(learner.seen(episodes)).item())
            with torch.no_grad():
                weight[place] -= step
        expected = (sides[0] - sides[1]) / 2e-5
        assert gradients[name][place].item() == pytest.approx(expected, rel=1e-5, abs=1e-8), name


def test_its_answers_are_those_of_maml_with_a_frozen_backbone(toy, learner):
    maml = toy.learner(MAML, inner_lr=0.5, inner_steps=2).double()
    maml.load_state_dict(learner.state_dict())
    maml.backbone.requires_grad_(False)
    episodes = toy.episodes(**DOUBLE, n_way=2)

    torch.testing.assert_close(learner.answer(episodes), maml.answer(episodes))


def test_the_orders_differ_in_gradient_and_not_in_loss(toy, learner):
    first = toy.learner(ANIL, inner_lr=0.5, inner_steps=2, second_order=False).double()
    first.load_state_dict(learner.state_dict())
    episodes = toy.episodes(**DOUBLE)
    ours, theirs = gradients_of(learner, episodes), gradients_of(first, episodes)

    assert learner.loss(learner.seen(episodes)).item() == first.loss(first.seen(episodes)).item()
    assert not torch.allclose(ours["backbone.layer.weight"], theirs["backbone.layer.weight"], rtol=0.01)


def test_each_example_is_embedded_once(toy, learner, monkeypatch):
    sizes = []
    forward = learner.backbone.forward
    monkeypatch.setattr(learner.backbone, "forward", lambda x: sizes.append(len(x)) or forward(x))
    learner.answer(toy.episodes(**DOUBLE, n=2))

    assert sizes == [2 * (6 + 6)]
