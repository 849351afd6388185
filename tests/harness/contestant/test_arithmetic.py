"""Precisions: what is computed in them, and with which weights."""

import pytest
import torch

from metabench.contestant.arithmetic import arithmetic


@pytest.fixture
def layer():
    torch.manual_seed(0)
    return torch.nn.Linear(6, 4)


@pytest.mark.parametrize(("precision", "expected"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_products_of_matrices_are_of_the_precision_and_weights_stay_exact(layer, precision, expected):
    with arithmetic("cpu", precision):
        assert layer(torch.ones(2, 6)).dtype == expected

    assert layer.weight.dtype == torch.float32


def test_fp32_changes_nothing(layer):
    inputs = torch.randn(2, 6)
    before = layer(inputs)

    with arithmetic("cpu", "fp32"):
        assert torch.equal(layer(inputs), before)


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_weights_that_an_optimiser_has_changed_are_computed_with(layer, precision):
    inputs, optimiser, losses = torch.ones(2, 6), torch.optim.SGD(layer.parameters(), lr=0.1), []
    with arithmetic("cpu", precision):
        for _ in range(5):
            optimiser.zero_grad()
            losses.append(layer(inputs).float().square().mean())
            losses[-1].backward()
            optimiser.step()

    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 0.2 * losses[0]
