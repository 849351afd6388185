"""WRN: a wide residual network, WRN-28-10 unless options say otherwise."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from metabench.api import EpisodicBatchNorm2d, option
from metabench_plugins.backbones._maps import MapBackbone, convolution, image_shape

_STEM = 16


class WideResNet(MapBackbone):
    """A stem and three groups of wide residual blocks. Zagoruyko and Komodakis 2016, table 1.

    In a block B(3, 3) BatchNorm and ReLU stand before each convolution; WRN-28-10 has four of them in each
    group, with 160, 320 and 640 channels. The second and third group halve each side.

    Source: Zagoruyko and Komodakis, "Wide Residual Networks", BMVC 2016.

    Differs from the paper: nothing but the missing classifier.
    """

    depth: int = option(28, "layers, 6n + 4: n blocks in each group", at_least=10)
    width: int = option(10, "channels of the groups, in multiples of 16, 32 and 64", at_least=1)
    drop: float = option(0.0, "dropout between the convolutions of a block", at_least=0, at_most=0.9)

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make stem and groups for images of shape (channels, height, width).

        Raises:
            ValueError: The examples are no images, or no network has that depth.
        """
        channels, height, width = image_shape("wrn", example_shape)
        n_blocks, rest = divmod(self.depth - 4, 6)
        if rest:
            raise ValueError(
                f"depth of wrn is {self.depth}; expected 6n + 4: 10, 16, 22, 28, … Set another depth."
            )
        widths = [_STEM, *(self.width * maps for maps in (16, 32, 64))]
        layers: list[nn.Module] = [convolution(channels, _STEM, 3)]
        for number, (n_in, n_out) in enumerate(pairwise(widths)):
            layers.append(_Block(n_in, n_out, drop=self.drop, stride=1 if number == 0 else 2))
            layers += [_Block(n_out, n_out, drop=self.drop) for _ in range(n_blocks - 1)]
        self.layers = nn.Sequential(*layers, EpisodicBatchNorm2d(widths[-1]), nn.ReLU())
        self.tell_map(widths[-1], -(-height // 4), -(-width // 4))


class _Block(nn.Module):
    """BatchNorm, ReLU and convolution, twice, added to what came in. Figure 1, wide-dropout.

    Where the shape changes, the shortcut is a convolution of what the first BatchNorm and ReLU make.
    """

    def __init__(self, n_in: int, n_out: int, *, drop: float, stride: int = 1) -> None:
        super().__init__()
        self.first_norm, self.second_norm = EpisodicBatchNorm2d(n_in), EpisodicBatchNorm2d(n_out)
        self.first = convolution(n_in, n_out, 3, stride=stride)
        self.second = convolution(n_out, n_out, 3)
        self.dropout = nn.Dropout(drop)
        self.shortcut = None if n_in == n_out and stride == 1 else convolution(n_in, n_out, 1, stride=stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, n_in, height, width) → (n, n_out, height / stride, width / stride), rounded up."""
        ready = functional.relu(self.first_norm(maps))
        inner = self.dropout(functional.relu(self.second_norm(self.first(ready))))
        added: Tensor = self.second(inner) + (maps if self.shortcut is None else self.shortcut(ready))
        return added
