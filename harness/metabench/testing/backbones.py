"""The kit's own backbones: small, with what a method may trip over, and in need of no plugin."""

from __future__ import annotations

import math

from torch import Tensor, nn

from metabench.api.backbone import Backbone
from metabench.api.episodes import Inputs
from metabench.api.normalisation import EpisodicBatchNorm2d

_MAPS = 16
_WIDTH = 64


class TinyImage(Backbone):
    """Two convolutions with BatchNorm, which is what makes a careless method leak."""

    modality = "image"

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make the layers for images of shape (channels, height, width)."""
        channels, height, width = example_shape
        self.layers = nn.Sequential(*_block(channels, 4), *_block(_MAPS, 2))
        self.map_shape = (_MAPS, height // 8, width // 8)
        self.n_features = math.prod(self.map_shape)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images (n, channels, height, width) → features (n, n_features)."""
        features: Tensor = self.layers(inputs)
        return features.flatten(1)


class TinyText(Backbone):
    """The mean of the embeddings of a text's tokens, normalised text by text, and a linear layer.

    Which makes features of bfloat16 where autocast is on.
    """

    modality = "text"

    def setup(self, example_shape: tuple[int, ...]) -> None:  # noqa: ARG002 - texts of any length
        """Make the layers."""
        self.embedding = nn.Embedding(self.n_tokens, _WIDTH, padding_idx=0)
        self.layers = nn.Sequential(nn.LayerNorm(_WIDTH), nn.Linear(_WIDTH, _WIDTH))
        self.n_features = _WIDTH

    def forward(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, width)."""
        assert isinstance(inputs, dict)
        mask = inputs["mask"][..., None].to(self.embedding.weight.dtype)
        features: Tensor = self.layers((self.embedding(inputs["ids"]) * mask).sum(1) / mask.sum(1))
        return features


def _block(n_in: int, pooled: int) -> list[nn.Module]:
    convolution = nn.Conv2d(n_in, _MAPS, kernel_size=3, padding=1, bias=False)
    return [convolution, EpisodicBatchNorm2d(_MAPS), nn.MaxPool2d(pooled), nn.ReLU()]
