"""R2-D2: ridge regression against `torch.linalg`, its gradient against finite differences."""

import math

import numpy as np
import pytest
import torch

from metabench.api.options import OptionError, declared_options, resolve_options
from metabench_plugins.algorithms.r2d2 import R2D2, ridge_regression

SIZES = pytest.mark.parametrize(("n_support", "n_features"), [(6, 20), (20, 6), (5, 5)])


def problem(n_support, n_features, n_way=3, n=2):
    inputs = torch.randn(n, n_support, n_features, dtype=torch.float64)
    labels = torch.randint(n_way, (n, n_support))
    return inputs, torch.eye(n_way, dtype=torch.float64)[labels]


@SIZES
@pytest.mark.parametrize("penalty", [1e-4, 1.0, 50.0])
def test_it_is_the_solution_of_the_normal_equations(n_support, n_features, penalty):
    """(Xᵀ X + λI) W = Xᵀ Y, the system that the Woodbury identity avoids."""
    inputs, targets = problem(n_support, n_features)
    normal = inputs.mT @ inputs + penalty * torch.eye(n_features, dtype=torch.float64)

    torch.testing.assert_close(
        ridge_regression(inputs, targets, torch.tensor(penalty, dtype=torch.float64)),
        torch.linalg.solve(normal, inputs.mT @ targets),
        rtol=1e-7,
        atol=1e-9,
    )


@SIZES
def test_it_is_the_least_squares_of_a_longer_system(n_support, n_features):
    """‖XW − Y‖² + λ‖W‖² is ‖[X; √λ I] W − [Y; 0]‖²."""
    inputs, targets = problem(n_support, n_features)
    identity = math.sqrt(0.3) * torch.eye(n_features, dtype=torch.float64).expand(2, -1, -1)
    zeros = torch.zeros(2, n_features, 3, dtype=torch.float64)
    expected = torch.linalg.lstsq(torch.cat([inputs, identity], 1), torch.cat([targets, zeros], 1)).solution

    torch.testing.assert_close(
        ridge_regression(inputs, targets, torch.tensor(0.3, dtype=torch.float64)), expected
    )


@SIZES
def test_its_gradient_is_that_of_finite_differences(n_support, n_features):
    inputs, targets = problem(n_support, n_features)
    penalty = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)

    assert torch.autograd.gradcheck(ridge_regression, (inputs.requires_grad_(), targets, penalty))


def test_the_gradient_of_the_loss_is_that_of_finite_differences(toy):
    learner, episodes = toy.learner(R2D2).double(), toy.episodes(dtype=torch.float64)
    learner.loss(learner.seen(episodes)).backward()

    for name, weight in learner.named_parameters():
        place = tuple(size - 1 for size in weight.shape)
        sides = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[place] += step
                sides.append(learner.loss(learner.seen(episodes)).item())
                weight[place] -= step
        expected = (sides[0] - sides[1]) / 2e-5
        assert weight.grad[place].item() == pytest.approx(expected, rel=1e-5, abs=1e-9), name


def test_logits_are_those_of_the_equations(toy):
    """α X′ Xᵀ (X Xᵀ + λI)⁻¹ Y + β, with NumPy."""
    learner, episodes = toy.learner(R2D2, first_penalty=0.4, first_scale=3.0), toy.episodes()
    with torch.no_grad():
        learner.bias.fill_(0.25)
        support, query = (learner.backbone(x).double().numpy() for x in (episodes.support, episodes.query))

    answer = learner.answer(episodes).numpy()
    for e in range(len(episodes)):
        x, y = support[e], np.eye(3)[episodes.support_labels[e].numpy()]
        weights = x.T @ np.linalg.inv(x @ x.T + 0.4 * np.eye(len(x))) @ y
        np.testing.assert_allclose(answer[e], 3.0 * query[e] @ weights + 0.25, rtol=1e-5)


def test_examples_that_are_all_the_same_can_be_fitted(toy):
    learner, episodes = toy.learner(R2D2, first_penalty=1e-6), toy.episodes()
    episodes.support.copy_(episodes.support[:, :1].clone())
    learner.loss(learner.seen(episodes)).backward()

    assert bool(learner.answer(episodes).isfinite().all())
    assert all(bool(weight.grad.isfinite().all()) for weight in learner.parameters())


def test_the_penalty_begins_as_told_and_is_learned(toy):
    learner, episodes = toy.learner(R2D2, first_penalty=50.0), toy.episodes()
    learner.loss(learner.seen(episodes)).backward()

    assert learner.log_penalty.exp().item() == pytest.approx(50.0)
    assert learner.log_penalty.grad.item() != 0
    assert learner.scale.grad.item() != 0


@pytest.mark.parametrize("name", ["first_penalty", "first_scale"])
@pytest.mark.parametrize("value", [0.0, -10.0])
def test_a_penalty_or_a_scale_that_is_not_positive_is_refused(name, value):
    with pytest.raises(OptionError, match=rf"'{name}' is {value}; expected at least 1e-06"):
        resolve_options(declared_options(R2D2), {name: value})
