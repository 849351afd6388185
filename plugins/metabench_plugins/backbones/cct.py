"""CCT: a compact convolutional transformer, whose tokens are made by convolutions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metabench.api import Backbone, Inputs, option
from metabench_plugins.backbones._attention import EncoderLayer, check_heads
from metabench_plugins.backbones._maps import image_shape

_SPREAD = 0.02
_MAPS = 32


class CCT(Backbone):
    """Convolutions instead of patches, layers of attention, a learned mean. Hassani et al. 2021, section 3.

    Each convolution halves the image, so that it needs far fewer examples than `vit` to see what
    neighbours mean. Features are the tokens behind the last layer, weighted by a softmax over them.

    Source: Hassani et al., "Escaping the Big Data Paradigm with Compact Transformers", arXiv 2021.

    Differs from the paper: three convolutions and two layers of width 64, four times as wide inside; pooling
    over 2×2 where it has 3×3; maps are normalised behind each convolution, image by image (Wu and He, "Group
    Normalization", ECCV 2018, with one group); neither dropout nor stochastic depth.
    """

    modality = "image"

    width: int = option(64, "size of a token; a multiple of `heads`", at_least=1)
    layers: int = option(2, "layers of attention", at_least=1)
    heads: int = option(4, "heads of each layer", at_least=1)
    convolutions: int = option(3, "convolutions, each of which halves the image", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make convolutions, places and layers for images of shape (channels, height, width).

        Raises:
            ValueError: The examples are no images, or the width cannot be divided among the heads.
        """
        channels, height, width = image_shape("cct", example_shape)
        check_heads("cct", self.width, self.heads)
        sizes = [channels, *[_MAPS] * (self.convolutions - 1), self.width]
        self.stem = nn.Sequential(*map(_halving, sizes[:-1], sizes[1:]))
        # Rounded up each time, as the pooling does.
        scale = 2**self.convolutions
        n_tokens = -(-height // scale) * -(-width // scale)
        self.places = nn.Parameter(_SPREAD * torch.randn(n_tokens, self.width))
        self.blocks = nn.Sequential(*(EncoderLayer(self.width, self.heads) for _ in range(self.layers)))
        self.norm = nn.LayerNorm(self.width)
        self.importance = nn.Linear(self.width, 1)
        self.n_features = self.width

    def forward(self, inputs: Inputs) -> Tensor:
        """Images (n, channels, height, width) → features (n, width)."""
        tokens = self.stem(inputs).flatten(2).transpose(1, 2)
        states = self.norm(self.blocks(tokens + self.places))
        features: Tensor = (self.importance(states).softmax(1) * states).sum(1)
        return features


def _halving(n_in: int, n_out: int) -> nn.Sequential:
    """Maps of half the sides."""
    convolution = nn.Conv2d(n_in, n_out, kernel_size=3, padding=1, bias=False)
    return nn.Sequential(convolution, nn.GroupNorm(1, n_out), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True))
