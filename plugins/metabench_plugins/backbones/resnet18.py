"""ResNet-18: the smallest of the residual networks for ImageNet."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from metabench.api import option
from metabench_plugins.backbones._maps import MapBackbone, image_shape, normalised

_WIDTHS = (64, 64, 128, 256, 512)


class ResNet18(MapBackbone):
    """A stem and eight residual blocks of two convolutions each. He et al. 2016, table 1 and section 4.1.

    Where a block changes the shape, its shortcut is a convolution of single places (option B). The stem of
    the paper, 7×7 with stride 2 and pooling, leaves a quarter of each side: made for 224 pixels, it leaves
    little of the small images of few-shot benchmarks. `stem=3x3` keeps them whole, as the paper does for
    CIFAR-10 (section 4.2), and computes sixteen times as much.

    Source: He et al., "Deep Residual Learning for Image Recognition", CVPR 2016.

    Differs from the paper: nothing but the missing classifier.
    """

    stem: str = option("7x7", "first layers: 7x7 quarters each side, 3x3 keeps it", choices=("7x7", "3x3"))

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make stem and blocks for images of shape (channels, height, width).

        Raises:
            ValueError: The examples are no images.
        """
        channels, height, width = image_shape("resnet18", example_shape)
        blocks: list[nn.Module] = []
        for number, (n_in, n_out) in enumerate(pairwise(_WIDTHS)):
            blocks += [_Block(n_in, n_out, stride=1 if number == 0 else 2), _Block(n_out, n_out)]
        self.layers = nn.Sequential(self._stem(channels), *blocks)
        shrinks = 32 if self.stem == "7x7" else 8
        self.tell_map(_WIDTHS[-1], -(-height // shrinks), -(-width // shrinks))

    def _stem(self, channels: int) -> nn.Sequential:
        if self.stem == "3x3":
            return nn.Sequential(normalised(channels, _WIDTHS[0], 3), nn.ReLU())
        convolution = normalised(channels, _WIDTHS[0], 7, stride=2)
        return nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(3, stride=2, padding=1))


class _Block(nn.Module):
    """Two convolutions, added to what came in. Figure 2."""

    def __init__(self, n_in: int, n_out: int, *, stride: int = 1) -> None:
        super().__init__()
        self.first = normalised(n_in, n_out, 3, stride=stride)
        self.second = normalised(n_out, n_out, 3)
        is_same = n_in == n_out and stride == 1
        self.shortcut = nn.Identity() if is_same else normalised(n_in, n_out, 1, stride=stride)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, n_in, height, width) → (n, n_out, height / stride, width / stride), rounded up."""
        inner = self.second(functional.relu(self.first(maps)))
        return functional.relu(inner + self.shortcut(maps))
