"""ResNet-12: the residual network that few-shot papers compare on."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn
from torch.nn import functional

from metabench.api import option
from metabench_plugins.backbones._dropblock import DropBlock
from metabench_plugins.backbones._maps import MapBackbone, image_shape, normalised

# Four poolings halve each side four times.
_SMALLEST = 16
_SLOPE = 0.1


class ResNet12(MapBackbone):
    """Four residual blocks of three convolutions, each with pooling behind it. Lee et al. 2019, section 4.1.

    Leaky ReLU of slope 0.1, 2×2 max pooling, then DropBlock with squares of side 1, which is dropout, behind
    the first two blocks and of side 5 behind the last two. With widths of 64, 128, 256 and 512, and
    `drop=0`, it is the network of Oreshkin et al. 2018, but for their activation.

    Sources: Lee et al., "Meta-Learning with Differentiable Convex Optimization", CVPR 2019; Oreshkin et al.,
    "TADAM: Task dependent adaptive metric for improved few-shot learning", NeurIPS 2018.

    Differs from the paper: the last map is averaged over its places, as later papers do it; `average=false`
    is the paper's. DropBlock's rate is the same from the first step on; for datasets of CIFAR's images the
    paper sets `side` to 2.
    """

    widths: str = option(
        "64-160-320-640", "channels of the blocks", choices=("64-160-320-640", "64-128-256-512")
    )
    drop: float = option(0.1, "part of a map that is dropped in training", at_least=0, at_most=0.9)
    side: int = option(5, "side of the squares dropped in the last two blocks", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make the blocks for images of shape (channels, height, width), at least 16 pixels each way.

        Raises:
            ValueError: The examples are no such images.
        """
        channels, height, width = image_shape("resnet12", example_shape, _SMALLEST)
        widths = [channels, *map(int, self.widths.split("-"))]
        blocks = []
        for (n_in, n_out), side in zip(pairwise(widths), (1, 1, self.side, self.side), strict=True):
            blocks += [_Block(n_in, n_out), nn.MaxPool2d(2), DropBlock(self.drop, side)]
        self.layers = nn.Sequential(*blocks)
        self.tell_map(widths[-1], height // _SMALLEST, width // _SMALLEST)


class _Block(nn.Module):
    """Three convolutions beside one of single places, added. Oreshkin et al. 2018, supplement."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.first, self.second = normalised(n_in, n_out, 3), normalised(n_out, n_out, 3)
        self.third = normalised(n_out, n_out, 3)
        self.shortcut = normalised(n_in, n_out, 1)

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, n_in, height, width) → (n, n_out, height, width)."""
        inner = functional.leaky_relu(self.first(maps), _SLOPE)
        inner = functional.leaky_relu(self.second(inner), _SLOPE)
        return functional.leaky_relu(self.third(inner) + self.shortcut(maps), _SLOPE)
