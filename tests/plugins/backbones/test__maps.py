"""What convolutional backbones share: how their convolutions begin."""

import math

import pytest
import torch

from metabench_plugins.backbones._maps import convolution


@pytest.mark.parametrize(("n_in", "n_out", "side"), [(256, 32, 3), (32, 256, 3), (512, 64, 1)])
def test_weights_begin_so_that_gradients_keep_their_size(n_in, n_out, side):
    """He et al. 2015, equation 14: n̂ Var[w] / 2 = 1, where n̂ = side² · channels that go out."""
    torch.manual_seed(0)
    weights = convolution(n_in, n_out, side).weight

    assert weights.std().item() == pytest.approx(math.sqrt(2 / (side**2 * n_out)), rel=0.03)
    assert abs(weights.mean().item()) < 4 * weights.std().item() / math.sqrt(weights.numel())
