"""MAML: adaptation and its gradient against references, and that queries are answered one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from metabench.api import Episodes
from metabench_plugins.algorithms.maml import MAML

IMAGES = {"shape": (1, 16, 16), "n": 2}
DOUBLE = {"dtype": torch.float64}


@pytest.fixture
def learner(toy):
    return toy.learner(MAML, inner_lr=0.5, inner_steps=2).double()


@pytest.fixture
def conv_learner(toy):
    return toy.learner(MAML, backbone=toy.Conv4, shape=IMAGES["shape"])


def adapted_by(learner, support, labels):
    nothing = support[None, :0]
    return learner.adapt(Episodes(support[None], labels[None], nothing, None, 3), training=True)


def flat_weights(learner):
    return {name: weight.detach().clone() for name, weight in learner.named_parameters()}


def logits_by_hand(weights, inputs):
    hidden = torch.tanh(inputs @ weights["backbone.layer.weight"].T + weights["backbone.layer.bias"])
    return hidden @ weights["head.weight"].T + weights["head.bias"]


def cross_entropy_by_hand(logits, labels):
    return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()


def adapted_by_hand(weights, support, labels, *, inner_lr, inner_steps):
    """Inner steps as the paper has them, with `torch.func` in place of graphs."""

    def support_loss(weights):
        return cross_entropy_by_hand(logits_by_hand(weights, support), labels)

    for _ in range(inner_steps):
        gradients = torch.func.grad(support_loss)(weights)
        weights = {name: weight - inner_lr * gradients[name] for name, weight in weights.items()}
    return weights


def outer_loss_by_hand(weights, episodes, *, inner_lr, inner_steps):
    losses = []
    for index in range(len(episodes)):
        adapted = adapted_by_hand(
            weights,
            episodes.support[index],
            episodes.support_labels[index],
            inner_lr=inner_lr,
            inner_steps=inner_steps,
        )
        losses.append(
            cross_entropy_by_hand(logits_by_hand(adapted, episodes.query[index]), episodes.targets[index])
        )
    return torch.stack(losses).mean()


def test_one_step_on_a_linear_model_is_the_gradient_in_closed_form(toy):
    """For softmax regression: W − lr · (softmax − onehot)ᵀ x / n."""
    learner = toy.learner(MAML, inner_lr=0.3).double()
    support, labels = toy.episodes(**DOUBLE).support[0], torch.tensor([0, 0, 1, 1, 2, 2])
    adapted = adapted_by(learner, support, labels)

    with torch.no_grad():
        hidden = learner.backbone(support).numpy()
        weight, bias = learner.head.weight.numpy(), learner.head.bias.numpy()
    scores = np.exp(hidden @ weight.T + bias)
    errors = scores / scores.sum(1, keepdims=True) - np.eye(3)[labels.numpy()]
    np.testing.assert_allclose(
        adapted["head.weight"].detach().numpy(), weight - 0.3 * errors.T @ hidden / 6, rtol=1e-10
    )
    np.testing.assert_allclose(adapted["head.bias"].detach().numpy(), bias - 0.3 * errors.mean(0), rtol=1e-10)


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_adaptation_is_that_of_explicit_steps(toy, inner_steps):
    learner = toy.learner(MAML, inner_lr=0.5, inner_steps=inner_steps).double()
    support, labels = toy.episodes(**DOUBLE).support[0], torch.tensor([0, 0, 1, 1, 2, 2])

    adapted = adapted_by(learner, support, labels)

    expected = adapted_by_hand(flat_weights(learner), support, labels, inner_lr=0.5, inner_steps=inner_steps)
    assert list(adapted) == list(expected)
    for name, weight in expected.items():
        torch.testing.assert_close(adapted[name], weight)


def test_answers_are_those_of_the_adapted_weights(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    expected = [
        logits_by_hand(
            adapted_by_hand(flat_weights(learner), support, labels, inner_lr=0.5, inner_steps=2), query
        )
        for support, labels, query in zip(
            episodes.support, episodes.support_labels, episodes.query, strict=True
        )
    ]

    torch.testing.assert_close(learner.answer(episodes), torch.stack(expected))


@pytest.mark.parametrize("inner_steps", [1, 3])
def test_the_meta_gradient_is_that_through_explicit_steps(toy, inner_steps):
    learner = toy.learner(MAML, inner_lr=0.5, inner_steps=inner_steps).double()
    episodes = toy.episodes(**DOUBLE)
    setting = {"inner_lr": 0.5, "inner_steps": inner_steps}

    loss = learner.loss(episodes)
    loss.backward()

    expected, value = torch.func.grad_and_value(outer_loss_by_hand)(
        flat_weights(learner), episodes, **setting
    )
    torch.testing.assert_close(loss.detach(), value)
    for name, weight in learner.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name])


def test_the_meta_gradient_is_that_of_finite_differences(toy, learner):
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


def test_the_first_order_gradient_is_the_gradient_at_the_adapted_weights(toy):
    learner = toy.learner(MAML, inner_lr=0.5, inner_steps=2, second_order=False).double()
    episodes = toy.episodes(**DOUBLE, n=3)
    learner.loss(episodes).backward()

    expected = {name: torch.zeros_like(weight) for name, weight in learner.named_parameters()}
    for one in episodes:
        adapted = adapted_by_hand(
            flat_weights(learner), one.support[0], one.support_labels[0], inner_lr=0.5, inner_steps=2
        )
        gradients = torch.func.grad(
            lambda weights, one=one: cross_entropy_by_hand(
                logits_by_hand(weights, one.query[0]), one.targets[0]
            )
        )(adapted)
        for name, gradient in gradients.items():
            expected[name] += gradient / 3
    for name, weight in learner.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name])


def test_the_orders_differ_in_gradient_and_not_in_loss(toy):
    first = toy.learner(MAML, inner_lr=0.5, second_order=False).double()
    second = toy.learner(MAML, inner_lr=0.5).double()
    second.load_state_dict(first.state_dict())
    episodes = toy.episodes(**DOUBLE)
    losses = [learner.loss(episodes) for learner in (first, second)]
    for loss in losses:
        loss.backward()

    assert losses[0].item() == losses[1].item()
    assert not torch.allclose(first.backbone.layer.weight.grad, second.backbone.layer.weight.grad, rtol=0.01)


def test_through_batchnorm_the_meta_gradient_is_that_of_finite_differences(toy, conv_learner):
    learner = conv_learner.double()
    episodes = toy.episodes(**IMAGES, **DOUBLE)
    learner.loss(episodes).backward()

    weight = learner.backbone.blocks[0][1].weight
    for place in (0, 5):
        sides = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                weight[place] += step
            sides.append(learner.loss(episodes).item())
            with torch.no_grad():
                weight[place] -= step
        assert weight.grad[place].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-4, abs=1e-7)


def state_of(learner):
    return {name: value.clone() for name, value in learner.state_dict().items()}


@pytest.mark.parametrize("training", [True, False])
def test_predicting_changes_nothing(toy, conv_learner, training):
    conv_learner.train(training)
    episodes = toy.episodes(**IMAGES)
    conv_learner.head.weight.grad = torch.ones_like(conv_learner.head.weight)
    before = state_of(conv_learner)

    first, second = conv_learner.answer(episodes), conv_learner.answer(episodes)

    assert torch.equal(first, second)
    assert not first.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in conv_learner.state_dict().items())
    assert bool((conv_learner.head.weight.grad == 1).all())
    assert all(
        weight.grad is None for name, weight in conv_learner.named_parameters() if name != "head.weight"
    )
    assert all(part.training == training for part in conv_learner.modules())
    assert all(getattr(part, "n_statistics", None) is None for part in conv_learner.modules())


def test_the_loss_leaves_running_statistics_alone(toy, conv_learner):
    before = state_of(conv_learner)
    conv_learner.loss(toy.episodes(**IMAGES)).backward()

    assert all(torch.equal(value, before[name]) for name, value in conv_learner.state_dict().items())


def test_without_gradients_enabled_adaptation_still_happens(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    with torch.no_grad():
        without = learner.predict(episodes)

    torch.testing.assert_close(learner.predict(episodes), without)
    assert not torch.allclose(learner.head(learner.backbone(episodes.query)), without)


def test_an_answer_depends_on_its_own_query_and_support_alone(toy, conv_learner):
    episodes = toy.episodes(**IMAGES)
    together = conv_learner.answer(episodes)

    backwards = conv_learner.answer(replace(episodes, query=episodes.query.flip(1)))
    torch.testing.assert_close(backwards.flip(1), together, rtol=1e-3, atol=1e-4)
    louder = torch.cat([episodes.query[:, :1], 100 * episodes.query[:, 1:]], dim=1)
    torch.testing.assert_close(
        conv_learner.answer(replace(episodes, query=louder))[:, :1], together[:, :1], rtol=1e-3, atol=1e-4
    )
    for k in range(together.shape[1]):
        alone = conv_learner.answer(replace(episodes, query=episodes.query[:, k : k + 1]))
        torch.testing.assert_close(alone, together[:, k : k + 1], rtol=1e-3, atol=1e-4)
    for k, one in enumerate(episodes):
        torch.testing.assert_close(conv_learner.answer(one), together[k : k + 1], rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("n_way", "train_n_way"), [(5, 0), (3, 6)])
def test_the_head_has_the_most_ways_that_an_episode_can_have(toy, n_way, train_n_way):
    learner = toy.learner(MAML, n_way=n_way, train_n_way=train_n_way)

    assert learner.head.out_features == max(n_way, train_n_way)


def test_episodes_of_fewer_ways_are_answered_and_learned_from(toy):
    learner = toy.learner(MAML, n_way=5, inner_lr=0.5).double()
    episodes = toy.episodes(**DOUBLE, n_way=2)
    learner.loss(episodes).backward()

    assert learner.answer(episodes).shape == (2, 4, 2)
    assert bool((learner.head.weight.grad[2:] == 0).all())
    assert bool((learner.head.weight.grad[:2] != 0).any())


def test_frozen_weights_are_not_adapted(toy, learner):
    learner.backbone.layer.weight.requires_grad_(False)
    episodes = toy.episodes(**DOUBLE)
    adapted = adapted_by(learner, episodes.support[0], episodes.support_labels[0])
    learner.loss(episodes).backward()

    assert set(adapted) == {"backbone.layer.bias", "head.weight", "head.bias"}
    assert learner.backbone.layer.weight.grad is None
    assert learner.backbone.layer.bias.grad is not None


def test_a_loss_of_batches_is_the_mean_over_its_episodes(toy, learner):
    episodes = toy.episodes(**DOUBLE, n=3)
    singly = torch.stack([learner.loss(one) for one in episodes]).mean()

    torch.testing.assert_close(learner.loss(episodes), singly)


def test_inputs_of_many_tensors_are_adapted_to(toy):
    class Sum(toy.Dense):
        def forward(self, inputs):
            return super().forward(inputs["a"] + inputs["b"])

    plain = toy.learner(MAML)
    parted = toy.learner(MAML, backbone=Sum)
    parted.load_state_dict(plain.state_dict())
    episodes = toy.episodes()
    told = replace(
        episodes,
        support={"a": episodes.support, "b": torch.zeros_like(episodes.support)},
        query={"a": torch.zeros_like(episodes.query), "b": episodes.query},
    )

    torch.testing.assert_close(parted.answer(told), plain.answer(episodes))


def test_the_loss_is_the_cross_entropy_of_what_it_would_answer(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    logits = learner.answer(episodes)

    torch.testing.assert_close(
        learner.loss(episodes).detach(),
        functional.cross_entropy(logits.flatten(0, 1), episodes.targets.flatten()),
    )
