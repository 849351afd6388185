"""BatchNorm with statistics from the support set: the same numbers, without the leak."""

import numpy as np
import pytest
import torch
from torch import nn

from metabench.api import EpisodicBatchNorm2d, statistics_from_first


@pytest.fixture
def rows():
    return torch.randn(12, 3, 4, 5, generator=torch.Generator().manual_seed(1)) * 3 + 1


def make(*, dtype=torch.float32, affine=True):
    layer = EpisodicBatchNorm2d(3, affine=affine, dtype=dtype)
    if affine:
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([0.5, 1.0, 2.0]))
            layer.bias.copy_(torch.tensor([-1.0, 0.0, 3.0]))
    return layer


def state_of(layer):
    return {name: value.clone() for name, value in layer.state_dict().items()}


def test_by_default_it_is_batchnorm_in_training_and_evaluation(rows):
    ours, theirs = make(), nn.BatchNorm2d(3)
    theirs.load_state_dict(ours.state_dict())

    for part in rows.split(4):
        assert torch.equal(ours(part), theirs(part))
    assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())
    ours.eval()
    theirs.eval()
    assert torch.equal(ours(rows), theirs(rows))


@pytest.mark.parametrize("n_rows", [1, 5, 12])
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_with_a_number_the_first_rows_alone_give_the_statistics(rows, n_rows, affine, training):
    layer = make(affine=affine).train(training)
    x = rows.double().numpy()
    mean = x[:n_rows].mean(axis=(0, 2, 3), keepdims=True)
    variance = ((x[:n_rows] - mean) ** 2).mean(axis=(0, 2, 3), keepdims=True)
    expected = (x - mean) / np.sqrt(variance + layer.eps)
    if affine:
        weight, bias = (p.detach().double().numpy()[None, :, None, None] for p in (layer.weight, layer.bias))
        expected = expected * weight + bias

    with statistics_from_first(layer, n_rows):
        answer = layer(rows)

    np.testing.assert_allclose(answer.detach().numpy(), expected, rtol=1e-4, atol=1e-4)


def test_over_all_rows_it_is_batchnorm_in_training(rows):
    ours, theirs = make(dtype=torch.float64), nn.BatchNorm2d(3, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())

    with statistics_from_first(ours, 12):
        torch.testing.assert_close(ours(rows.double()), theirs(rows.double()))


def test_a_row_does_not_depend_on_those_after_the_first(rows):
    layer = make()
    with statistics_from_first(layer, 5):
        together = layer(rows)
        alone = torch.cat([layer(torch.cat([rows[:5], rows[k : k + 1]]))[5:] for k in range(5, 12)])
        other = layer(torch.cat([rows[:5], 100 * rows[5:].flip(0)]))

    torch.testing.assert_close(together[5:], alone)
    assert torch.equal(together[:5], other[:5])


def test_running_statistics_are_neither_read_nor_written(rows):
    layer = make()
    before = state_of(layer)

    with statistics_from_first(layer, 5):
        first = layer(rows)
        with torch.no_grad():
            layer.running_mean += 100
            layer.running_var *= 100
        assert torch.equal(layer(rows), first)
        layer.running_mean.copy_(before["running_mean"])
        layer.running_var.copy_(before["running_var"])

    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())


def test_gradients_are_those_of_the_formula(rows):
    layer = make(dtype=torch.float64)
    inputs = rows[:6, :, :2, :2].double().requires_grad_()

    def answer(x, weight, bias):
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (x,))

    with statistics_from_first(layer, 4):
        parts = (inputs, layer.weight, layer.bias)
        assert torch.autograd.gradcheck(answer, parts)
        assert torch.autograd.gradgradcheck(answer, parts)


def test_the_block_reaches_every_layer_and_restores_what_was(rows):
    module = nn.Sequential(make(), nn.Sequential(nn.ReLU(), make()), nn.BatchNorm2d(3))
    layers = [module[0], module[1][1]]
    layers[1].n_statistics = 7

    with statistics_from_first(module, 3):
        assert [layer.n_statistics for layer in layers] == [3, 3]
        with statistics_from_first(module, 2):
            assert [layer.n_statistics for layer in layers] == [2, 2]
        assert [layer.n_statistics for layer in layers] == [3, 3]

    assert [layer.n_statistics for layer in layers] == [None, 7]


def test_the_block_restores_when_something_is_raised_in_it():
    layer = make()

    with pytest.raises(KeyError), statistics_from_first(layer, 3):
        raise KeyError

    assert layer.n_statistics is None


@pytest.mark.parametrize("n_rows", [0, -1])
def test_statistics_of_no_rows_are_refused(n_rows):
    layer = make()
    with (
        pytest.raises(ValueError, match=rf"n_rows is {n_rows}; expected at least 1"),
        statistics_from_first(layer, n_rows),
    ):
        pass
    assert layer.n_statistics is None


def test_fewer_rows_than_the_statistics_need_are_refused(rows):
    layer = make()
    with (
        statistics_from_first(layer, 13),
        pytest.raises(ValueError, match=r"12 rows, of which the first 13 give the statistics"),
    ):
        layer(rows)
