"""What convolutional backbones share: images in, a last map of features out, averaged or whole."""

from __future__ import annotations

import math

from torch import Tensor, nn

from metabench.api import Backbone, EpisodicBatchNorm2d, Inputs, option


class MapBackbone(Backbone):
    """A backbone whose features come from the last map of its layers; a subclass makes these in `setup`.

    Attributes:
        layers: Images (n, channels, height, width) → maps (n, n_maps, height, width).
    """

    modality = "image"
    layers: nn.Module

    average: bool = option(True, "average the last map over its places; false: every place is a feature")

    def tell_map(self, n_maps: int, height: int, width: int) -> None:
        """Set what follows from the shape of the last map."""
        if self.average:
            self.n_features = n_maps
        else:
            self.map_shape = (n_maps, height, width)
            self.n_features = math.prod(self.map_shape)

    def forward(self, inputs: Inputs) -> Tensor:
        """Images (n, channels, height, width) → features (n, n_features)."""
        maps: Tensor = self.layers(inputs)
        return maps.mean((2, 3)) if self.average else maps.flatten(1)


def image_shape(name: str, example_shape: tuple[int, ...], at_least: int = 1) -> tuple[int, int, int]:
    """Channels, height and width of the images that a backbone is given.

    Args:
        name: Of the backbone.
        example_shape: Shape of one example.
        at_least: Pixels that each side must have.

    Raises:
        ValueError: The examples are no such images.
    """
    if len(example_shape) != 3 or min(example_shape[1:]) < at_least:
        raise ValueError(
            f"{name} is given examples of shape {example_shape}; expected images (channels, height, "
            f"width) of at least {at_least}x{at_least} pixels. Choose another backbone."
        )
    channels, height, width = example_shape
    return channels, height, width


def convolution(n_in: int, n_out: int, side: int, *, stride: int = 1) -> nn.Conv2d:
    """A convolution that leaves 1 / stride of each side, rounded up.

    It has no bias, which the BatchNorms around it make up for; its weights start as in He et al., "Delving
    Deep into Rectifiers", ICCV 2015, equation 14.

    Args:
        n_in: Channels of the maps that come in, (n, n_in, height, width).
        n_out: Channels of those that go out.
        side: Of the kernel, in places of the map; odd.
        stride: Places between two outputs.
    """
    layer = nn.Conv2d(n_in, n_out, side, stride, padding=side // 2, bias=False)
    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
    return layer


def normalised(n_in: int, n_out: int, side: int, *, stride: int = 1) -> nn.Sequential:
    """A convolution with BatchNorm behind it."""
    return nn.Sequential(convolution(n_in, n_out, side, stride=stride), EpisodicBatchNorm2d(n_out))
