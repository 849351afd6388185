"""ViT: a small vision transformer, which reads an image as a sequence of patches."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Backbone, Inputs, option
from metabench_plugins.backbones._attention import EncoderLayer, check_heads
from metabench_plugins.backbones._maps import image_shape

_SPREAD = 0.02


class ViT(Backbone):
    """Patches as tokens, a class token, an encoder of attention layers. Dosovitskiy et al. 2021, section 3.1.

    Features are the class token behind the last layer, normalised (equation 4).

    Source: Dosovitskiy et al., "An Image is Worth 16x16 Words: Transformers for Image Recognition at Scale",
    ICLR 2021.

    Differs from the paper: four layers of width 128 where its smallest has twelve of 768; patches of 7 pixels
    where it has 14, 16 or 32; no dropout; trained by the method alone, where it is pretrained on large sets;
    an image whose sides are no multiple of the patch's is filled up with zeros, to the right and below.
    """

    modality = "image"

    patch: int = option(7, "side of a patch, pixels", at_least=1)
    width: int = option(128, "size of a token; a multiple of `heads`", at_least=1)
    layers: int = option(4, "layers of attention", at_least=1)
    heads: int = option(4, "heads of each layer", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make embedding, places and layers for images of shape (channels, height, width).

        Raises:
            ValueError: The examples are no images, or the width cannot be divided among the heads.
        """
        channels, height, width = image_shape("vit", example_shape)
        check_heads("vit", self.width, self.heads)
        n_patches = -(-height // self.patch) * -(-width // self.patch)
        self.embedding = nn.Conv2d(channels, self.width, self.patch, stride=self.patch)
        self.class_token = nn.Parameter(_SPREAD * torch.randn(1, self.width))
        self.places = nn.Parameter(_SPREAD * torch.randn(n_patches + 1, self.width))
        self.blocks = nn.Sequential(*(EncoderLayer(self.width, self.heads) for _ in range(self.layers)))
        self.norm = nn.LayerNorm(self.width)
        self.n_features = self.width

    def forward(self, inputs: Inputs) -> Tensor:
        """Images (n, channels, height, width) → features (n, width)."""
        assert isinstance(inputs, Tensor)
        below, right = (-side % self.patch for side in inputs.shape[2:])
        # The convolution is E of equation 1: it takes each patch to its token.
        patches = self.embedding(functional.pad(inputs, (0, right, 0, below))).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(len(patches), 1, -1), patches], dim=1)
        features: Tensor = self.norm(self.blocks(tokens + self.places)[:, 0])
        return features
