"""DropBlock: dropout of squares of a map instead of single places."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class DropBlock(nn.Module):
    """Set squares of each channel's map to zero in training. Ghiasi et al. 2018, algorithm 1.

    Where a map is smaller than the square, the square is as large as the map. Of a map's places about
    `rate` are dropped, somewhat fewer where squares overlap; with squares of side 1 it is dropout.

    Source: Ghiasi et al., "DropBlock: A regularization method for convolutional networks", NeurIPS 2018.

    Differs from the paper: the rate is the same from the first step on. The paper raises it linearly from 0
    over all of training, whose length a backbone does not know.

    Args:
        rate: Part of a map that is dropped, 0 … 1; 1 − keep_prob in the paper.
        side: Of the squares, in places of the map; block_size in the paper.
    """

    def __init__(self, rate: float, side: int) -> None:
        super().__init__()
        self.rate, self.side = rate, side

    def forward(self, maps: Tensor) -> Tensor:
        """Maps (n, channels, height, width) → likewise, scaled so that their sum stays about the same."""
        if not self.training or self.rate == 0:
            return maps
        kept = self._draw(maps)
        # Lines 7 and 8. If nothing is kept there is nothing to scale.
        return maps * kept * (kept.numel() / kept.sum().clamp(min=1))

    def _draw(self, maps: Tensor) -> Tensor:
        """Draw what is kept: 1 there and 0 in the squares, (n, channels, height, width). Lines 5 and 6."""
        n, channels, height, width = maps.shape
        side = min(self.side, height, width)
        # Where a square can begin and still lie on the map.
        begins = (height - side + 1, width - side + 1)
        # Equation 1.
        gamma = self.rate / side**2 * (height * width) / (begins[0] * begins[1])
        dropped = torch.rand(n, channels, *begins, device=maps.device) < gamma
        around = [side - 1] * 4
        squares = functional.max_pool2d(functional.pad(dropped.to(maps.dtype), around), side, stride=1)
        return 1 - squares
