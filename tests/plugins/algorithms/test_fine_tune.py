"""Fine-tune: adaptation against explicit steps, from class means, with BatchNorm as pre-training left it."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms.fine_tune import FineTune

DOUBLE = {"dtype": torch.float64}
IMAGES = {"shape": (1, 16, 16), "n": 2}


def logits_by_hand(weights, inputs):
    hidden = torch.tanh(inputs @ weights["weight"].T + weights["bias"])
    return hidden @ weights["layer"].T + weights["layer_bias"]


def first_weights(learner, support, labels):
    """Those of the backbone, and a layer of class means of length 1 without bias."""
    layer = learner.backbone.layer
    weights = {"weight": layer.weight.detach(), "bias": layer.bias.detach()}
    hidden = torch.tanh(support @ weights["weight"].T + weights["bias"])
    means = torch.stack([hidden[labels == way].mean(0) for way in range(3)])
    lengths = means.square().sum(1, keepdim=True).sqrt()
    return {**weights, "layer": means / lengths, "layer_bias": torch.zeros(3, dtype=torch.float64)}


def adapted_by_hand(weights, support, labels, *, rate, steps):
    def loss(weights):
        logits = logits_by_hand(weights, support)
        return (logits.logsumexp(1) - logits.gather(1, labels[:, None])[:, 0]).mean()

    for _ in range(steps):
        gradients = torch.func.grad(loss)(weights)
        weights = {name: weight - rate * gradients[name] for name, weight in weights.items()}
    return weights


@pytest.mark.parametrize("steps", [0, 1, 4])
def test_answers_are_those_of_explicit_steps(toy, steps):
    learner = toy.learner(FineTune, inner_lr=0.3, inner_steps=steps).double()
    episodes = toy.episodes(n=3, **DOUBLE)
    expected = []
    for support, labels, query in zip(episodes.support, episodes.support_labels, episodes.query, strict=True):
        start = first_weights(learner, support, labels)
        expected.append(logits_by_hand(adapted_by_hand(start, support, labels, rate=0.3, steps=steps), query))

    torch.testing.assert_close(learner.answer(episodes), torch.stack(expected))


def test_all_weights_are_adapted(toy):
    """Of the backbone too: with the layer alone, answers would be others."""
    learner, episodes = toy.learner(FineTune, inner_lr=0.5).double(), toy.episodes(**DOUBLE)
    whole = learner.answer(episodes)
    learner.backbone.requires_grad_(False)

    assert not torch.allclose(learner.answer(episodes), whole, rtol=0.01)


@pytest.fixture
def conv_learner(toy):
    """A learner whose BatchNorm has statistics unlike those of any batch."""
    learner = toy.learner(FineTune, backbone=toy.Conv4, shape=IMAGES["shape"], inner_lr=0.1)
    for part in learner.modules():
        if hasattr(part, "running_mean"):
            part.running_mean.normal_(std=0.2)
            part.running_var.uniform_(0.5, 2.0)
    return learner


def test_batchnorm_keeps_the_statistics_of_pretraining(toy, conv_learner):
    """One step by hand, in evaluation mode."""
    conv_learner.inner_steps = 1
    (one, _) = toy.episodes(**IMAGES)
    support, labels = one.support[0], one.support_labels[0]
    answer = conv_learner.answer(one)
    backbone = conv_learner.backbone.eval()
    with torch.no_grad():
        features = backbone(support)
    means = torch.stack([features[labels == way].mean(0) for way in range(3)])
    layer = functional.normalize(means).requires_grad_()
    bias = torch.zeros(3, requires_grad=True)
    loss = functional.cross_entropy(functional.linear(backbone(support), layer, bias), labels)
    trained = [layer, bias, *backbone.parameters()]
    with torch.no_grad():
        for weight, gradient in zip(trained, torch.autograd.grad(loss, trained), strict=True):
            weight.sub_(gradient, alpha=0.1)
        expected = functional.linear(backbone(one.query[0]), layer, bias)

    torch.testing.assert_close(answer[0], expected, rtol=1e-4, atol=1e-5)


def test_an_episode_leaves_weights_and_statistics_as_they_were(toy, conv_learner):
    before = {name: value.clone() for name, value in conv_learner.state_dict().items()}
    conv_learner.answer(toy.episodes(**IMAGES))

    assert all(torch.equal(value, before[name]) for name, value in conv_learner.state_dict().items())
    assert all(weight.grad is None for weight in conv_learner.parameters())
    assert all(part.training for part in conv_learner.modules())


def test_without_gradients_enabled_adaptation_still_happens(toy):
    learner, episodes = toy.learner(FineTune, inner_lr=0.3).double(), toy.episodes(**DOUBLE)
    with torch.no_grad():
        without = learner.predict(episodes)
    still = toy.learner(FineTune, inner_lr=0.0).double()
    still.load_state_dict(learner.state_dict())

    torch.testing.assert_close(learner.predict(episodes), without)
    assert not torch.allclose(still.predict(episodes), without)


def test_frozen_weights_are_not_adapted(toy):
    learner, episodes = toy.learner(FineTune, inner_lr=0.5).double(), toy.episodes(**DOUBLE)
    learner.backbone.layer.weight.requires_grad_(False)
    answer = learner.answer(episodes)
    expected = []
    for support, labels, query in zip(episodes.support, episodes.support_labels, episodes.query, strict=True):
        start = first_weights(learner, support, labels)
        fixed = {"weight": start.pop("weight")}
        for _ in range(learner.inner_steps):
            gradients = torch.func.grad(
                lambda weights, support=support, labels=labels, fixed=fixed: functional.cross_entropy(
                    logits_by_hand({**weights, **fixed}, support), labels
                )
            )(start)
            start = {name: weight - 0.5 * gradients[name] for name, weight in start.items()}
        expected.append(logits_by_hand({**start, **fixed}, query))

    torch.testing.assert_close(answer, torch.stack(expected))


def test_texts_of_many_tensors_are_adapted_to(toy):
    class Sum(toy.Dense):
        def forward(self, inputs):
            return super().forward(inputs["a"] + inputs["b"])

    plain, parted = toy.learner(FineTune), toy.learner(FineTune, backbone=Sum)
    parted.load_state_dict(plain.state_dict())
    episodes = toy.episodes()
    told = replace(
        episodes,
        support={"a": episodes.support, "b": torch.zeros_like(episodes.support)},
        query={"a": torch.zeros_like(episodes.query), "b": episodes.query},
    )

    torch.testing.assert_close(parted.answer(told), plain.answer(episodes))


def test_a_new_layer_on_features_in_bfloat16_is_one_of_weights(toy):
    learner, episode = toy.learner(FineTune), toy.episodes(n=1)
    with torch.autocast("cpu", torch.bfloat16):
        assert learner(episode.support[0]).dtype == torch.bfloat16
        weights = learner._first_weights(episode.support[0], episode.support_labels[0], 3)

    assert {one.dtype for one in weights.values()} == {torch.float32}
