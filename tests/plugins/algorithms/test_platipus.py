"""PLATIPUS: its Gaussians and its bound against plain tensors; its answers are repeatable averages."""

import math

import pytest
import torch
from torch.distributions import Normal
from torch.func import functional_call, grad

from metabench_plugins.algorithms.platipus import PLATIPUS, GradientGaussian, divergence

DOUBLE = {"dtype": torch.float64}
NAMES = ["backbone.layer.weight", "backbone.layer.bias", "head.weight", "head.bias"]


@pytest.fixture
def learner(toy):
    """With step sizes and variances that differ, as after training."""
    learner = toy.learner(PLATIPUS, inner_lr=0.4, inner_steps=2, spread=0.2).double()
    with torch.no_grad():
        for gaussian in (learner.prior, learner.posterior):
            for rates, log_stds in zip(gaussian.rates, gaussian.log_stds, strict=True):
                rates.copy_(0.3 * torch.rand_like(rates))
                log_stds.add_(0.3 * torch.randn_like(log_stds))
    return learner


@pytest.fixture
def noise(learner, monkeypatch):
    """Standard normal numbers, which every sample of a weight is made of from now on."""
    noise = {name: torch.randn_like(learner.get_parameter(name)) for name in NAMES}
    by_shape = {one.shape: one for one in noise.values()}
    assert len(by_shape) == len(NAMES)
    monkeypatch.setattr(Normal, "rsample", lambda self: self.mean + self.stddev * by_shape[self.mean.shape])
    return noise


def weights_of(learner):
    return {name: learner.get_parameter(name).detach().clone() for name in NAMES}


def cross_entropy_by_hand(learner, weights, inputs, labels):
    logits = functional_call(learner, weights, (inputs,))
    return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()


def shifted_by_hand(learner, gaussian, inputs, labels):
    """μ − γ ∘ ∇L(μ)."""
    weights = weights_of(learner)
    gradients = grad(lambda weights: cross_entropy_by_hand(learner, weights, inputs, labels))(weights)
    return {
        name: weights[name] - rates * gradients[name]
        for name, rates in zip(NAMES, gaussian.rates, strict=True)
    }


def adapted_by_hand(learner, weights, inputs, labels):
    for _ in range(2):
        gradients = grad(lambda weights: cross_entropy_by_hand(learner, weights, inputs, labels))(weights)
        weights = {name: weight - 0.4 * gradients[name] for name, weight in weights.items()}
    return weights


def divergence_by_hand(means, log_stds, other_means, other_log_stds):
    """Number by number: log σ₂/σ₁ + (σ₁² + (μ₁ − μ₂)²) / 2σ₂² − ½."""
    total = 0.0
    for mean, log_std, other_mean, other_log_std in zip(
        *(
            torch.cat([one.detach().flatten() for one in part]).tolist()
            for part in (means, log_stds, other_means, other_log_stds)
        ),
        strict=True,
    ):
        variance = math.exp(2 * log_std)
        total += (
            other_log_std
            - log_std
            + (variance + (mean - other_mean) ** 2) / (2 * math.exp(2 * other_log_std))
            - 0.5
        )
    return total


def test_a_gaussian_is_a_gradient_step_away(toy, learner):
    episode = toy.episodes(**DOUBLE, n=1)
    found = learner.prior(learner.initial_weights, learner.support_loss(episode), second_order=False)
    means = shifted_by_hand(learner, learner.prior, episode.support[0], episode.support_labels[0])

    assert list(found) == NAMES
    for name, log_std in zip(NAMES, learner.prior.log_stds, strict=True):
        torch.testing.assert_close(found[name].mean, means[name])
        torch.testing.assert_close(found[name].stddev, log_std.exp())


def test_a_new_gaussian_has_the_given_step_size_and_spread():
    gaussian = GradientGaussian([torch.Size([2, 3])], rate=0.25, spread=0.1)
    (found,) = gaussian(
        {"a": torch.ones(2, 3, requires_grad=True)}, lambda weights: weights["a"].sum(), second_order=False
    ).values()

    torch.testing.assert_close(found.mean, torch.full((2, 3), 0.75))
    torch.testing.assert_close(found.stddev, torch.full((2, 3), 0.1))


def test_the_divergence_is_zero_for_equals_and_that_of_the_formula_else():
    first = {
        "a": Normal(torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.5])),
        "b": Normal(torch.tensor(2.0), 3.0),
    }
    second = {
        "a": Normal(torch.tensor([0.5, 1.0]), torch.tensor([2.0, 0.5])),
        "b": Normal(torch.tensor(1.0), 1.0),
    }
    expected = math.log(2) + 1.25 / 8 - 0.5 + 0 + math.log(1 / 3) + 10 / 2 - 0.5

    assert divergence(first, first).item() == 0
    assert divergence(first, second).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("kl_weight", [1.0, 0.3])
def test_the_loss_is_the_bound(toy, learner, noise, kl_weight):
    learner.kl_weight = kl_weight
    episodes = toy.episodes(**DOUBLE)
    expected = []
    for one in episodes:
        support, query = (one.support[0], one.support_labels[0]), (one.query[0], one.targets[0])
        posterior = shifted_by_hand(learner, learner.posterior, *query)
        prior = shifted_by_hand(learner, learner.prior, *support)
        stds = dict(zip(NAMES, learner.posterior.log_stds, strict=True))
        start = {name: posterior[name] + stds[name].exp() * noise[name] for name in NAMES}
        adapted = adapted_by_hand(learner, start, *support)
        # Six queries: the bound is one of the sum of their log-likelihoods.
        likelihood = -6 * cross_entropy_by_hand(learner, adapted, *query)
        kl = divergence_by_hand(
            posterior.values(), learner.posterior.log_stds, prior.values(), learner.prior.log_stds
        )
        expected.append((kl_weight * kl - likelihood) / 6)

    torch.testing.assert_close(learner.loss(episodes), torch.stack(expected).mean())


@pytest.mark.usefixtures("noise")
def test_the_gradient_is_that_of_finite_differences(toy, learner):
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


def test_testing_samples_from_the_prior_and_adapts(toy, learner, noise):
    learner.test_samples = 1
    episode = toy.episodes(**DOUBLE, n=1)
    support = episode.support[0], episode.support_labels[0]
    prior = shifted_by_hand(learner, learner.prior, *support)
    stds = dict(zip(NAMES, learner.prior.log_stds, strict=True))
    start = {name: prior[name] + stds[name].exp() * noise[name] for name in NAMES}
    logits = functional_call(learner, adapted_by_hand(learner, start, *support), (episode.query[0],))

    torch.testing.assert_close(learner.answer(episode)[0], logits.log_softmax(1).detach())


def test_an_answer_is_the_mean_of_the_probabilities_of_samples(toy, learner, monkeypatch):
    learner.test_samples = 3
    drawn = [torch.randn(6, 3, dtype=torch.float64) for _ in range(3)]
    left = iter(drawn)
    monkeypatch.setattr(learner, "solve", lambda _, *, training: next(left))
    answer = learner.answer(toy.episodes(**DOUBLE, n=1))[0]

    torch.testing.assert_close(answer.exp(), sum(one.softmax(1) for one in drawn) / 3)


def test_samples_differ_and_come_back_the_same(toy, learner):
    episodes, solved = toy.episodes(**DOUBLE, n=1), []
    solve = learner.solve
    learner.solve = lambda episode, *, training: (
        solved.append(solve(episode, training=training)) or solved[-1]
    )
    torch.manual_seed(5)
    first = learner.answer(episodes)
    torch.manual_seed(6)
    second = learner.answer(episodes)

    assert torch.equal(first, second)
    assert not torch.allclose(solved[0], solved[1], rtol=0.01)
