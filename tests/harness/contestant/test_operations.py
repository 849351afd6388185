"""Whatever way PyTorch computes, it is counted; what cannot be counted is named."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from metabench.contestant.operations import OperationCounter


def counted(work) -> OperationCounter:
    with OperationCounter() as counter:
        work()
    return counter


@pytest.fixture
def network():
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5))


@pytest.fixture
def images():
    return torch.randn(2, 3, 8, 8)


def test_forward_and_backward_are_counted_as_pytorchs_own_counter_does(network, images):
    def work():
        functional.cross_entropy(network(images), torch.tensor([0, 1])).backward()

    with FlopCounterMode(display=False) as theirs:
        work()
    convolution, linear = 2 * 36 * 4 * 27 * 2, 2 * 144 * 5 * 2
    # Backward: weights and inputs; the images need no gradient.
    assert counted(work).total == theirs.get_total_flops() == 2 * convolution + 3 * linear


def test_gradients_of_gradients_are_counted(network, images):
    weights = list(network.parameters())

    def work(*, second_order):
        loss = functional.cross_entropy(network(images), torch.tensor([0, 1]))
        gradients = torch.autograd.grad(loss, weights, create_graph=second_order)
        if second_order:
            sum(one.square().sum() for one in gradients).backward()

    first, second = (counted(partial(work, second_order=flag)) for flag in (False, True))
    assert first.uncounted == second.uncounted == set()
    assert second.total > 2 * first.total


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_a_composite_operator_is_taken_apart_wherever_it_is_called(context, network, images):
    def work():
        with context():
            network(images)

    assert counted(work).total == 2 * 36 * 4 * 27 * 2 + 2 * 144 * 5 * 2
    assert counted(work).uncounted == set()


def test_vmap_and_functional_gradients_are_counted():
    weight, inputs = torch.randn(4, 5), torch.randn(3, 6, 4)

    def work():
        torch.func.vmap(torch.func.grad(lambda one: (one @ weight).square().sum()))(inputs)

    assert counted(work).total == 2 * (3 * 2 * 6 * 4 * 5)


def test_what_has_no_formula_is_named_and_the_rest_is_counted():
    counter = counted(lambda: torch.linalg.eigh(torch.eye(3) @ torch.eye(3)))

    assert counter.uncounted == {"aten._linalg_eigh"}
    assert counter.total == 2 * 27


@pytest.mark.parametrize(
    ("work", "name"),
    [
        (lambda: torch.linalg.svd(torch.eye(3)), "aten._linalg_svd"),
        (lambda: torch.fft.rfft(torch.ones(8)), "aten._fft_r2c"),
        (lambda: torch.linalg.lstsq(torch.eye(3), torch.ones(3, 1)), "aten.linalg_lstsq"),
        (lambda: torch.eye(3).to_sparse() @ torch.eye(3), "aten._to_sparse"),
        (lambda: strangers_operator(torch.ones(3)), "stranger.triple"),
    ],
)
def test_operators_without_a_formula(work, name):
    assert name in counted(work).uncounted


@torch.library.custom_op("stranger::triple", mutates_args=())
def strangers_operator(x: torch.Tensor) -> torch.Tensor:
    return 3 * x


def test_results_are_those_of_uncounted_work(network, images):
    network.eval()
    with OperationCounter():
        inside = network(images)

    assert torch.equal(inside, network(images))


def test_after_the_block_nothing_is_counted():
    counter = counted(lambda: None)
    torch.eye(3) @ torch.eye(3)

    assert counter.total == 0
