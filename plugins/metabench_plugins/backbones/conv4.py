"""Conv4: the four-block convolutional network that few-shot papers compare on."""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

from metabench.api import Backbone, EpisodicBatchNorm2d, Inputs, option
from metabench_plugins.backbones._maps import image_shape

# Four poolings halve each side four times.
_SMALLEST = 16


class Conv4(Backbone):
    """Four blocks of 3×3 convolution, BatchNorm, ReLU and 2×2 max pooling. Vinyals et al. 2016, section 4.1.

    Source: Vinyals et al., "Matching Networks for One Shot Learning", NeurIPS 2016.

    Differs from the paper: 32 channels where 64 are usual, as they reach more within the budgets of a CPU;
    the pooling stands before the ReLU, which gives the same numbers for a quarter of the work; the
    convolutions have no bias, which the BatchNorm behind them would cancel.
    """

    modality = "image"

    width: int = option(32, "channels of every block", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make the blocks for images of shape (channels, height, width), at least 16 pixels each way.

        Raises:
            ValueError: The examples are no such images.
        """
        channels, height, width = image_shape("conv4", example_shape, _SMALLEST)
        widths = [channels, *[self.width] * 4]
        self.blocks = nn.Sequential(*(_block(n_in, n_out) for n_in, n_out in pairwise(widths)))
        self.map_shape = (self.width, height // _SMALLEST, width // _SMALLEST)
        self.n_features = math.prod(self.map_shape)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images (n, channels, height, width) → features (n, n_features)."""
        features: Tensor = self.blocks(inputs)
        return features.flatten(1)


def _block(n_in: int, n_out: int) -> nn.Sequential:
    convolution = nn.Conv2d(n_in, n_out, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(convolution, EpisodicBatchNorm2d(n_out), nn.MaxPool2d(2), nn.ReLU())
