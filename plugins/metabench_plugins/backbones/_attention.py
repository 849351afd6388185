"""A layer of a transformer's encoder, written out so that it can be differentiated twice."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class EncoderLayer(nn.Module):
    """Attention and a layer for each place, each added to what came in. Vaswani et al. 2017, section 3.1.

    Attention is written out, as the fused one cannot be differentiated twice, which MAML does.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017.

    Differs from the paper: normalisation before each part instead of after it (Xiong et al., "On Layer
    Normalization in the Transformer Architecture", ICML 2020); GELU where it has ReLU; no dropout.

    Args:
        width: Size of a state; a multiple of `heads`.
        heads: Of the attention.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attended, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.layer = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, states: Tensor, mask: Tensor | None = None) -> Tensor:
        """States (n, length, width) and mask (n, length), true where attention may look → states."""
        states = states + self._attend(self.attention_norm(states), mask)
        updated: Tensor = states + self.layer(self.layer_norm(states))
        return updated

    def _attend(self, states: Tensor, mask: Tensor | None) -> Tensor:
        """Equation 1 for each head, over the places that the mask shows."""
        n, length, width = states.shape
        split = self.attended(states).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(2, 3) / math.sqrt(width // self.heads)
        if mask is not None:
            scores = scores.masked_fill(~mask[:, None, None], -torch.inf)
        joined: Tensor = self.joined((scores.softmax(3) @ value).transpose(1, 2).reshape(n, length, width))
        return joined


def check_heads(name: str, width: int, heads: int) -> None:
    """Refuse a width that cannot be divided among the heads.

    Raises:
        ValueError: It is so; the message names the backbone.
    """
    if width % heads:
        raise ValueError(
            f"width of {name} is {width}; expected a multiple of heads ({heads}). Set another width."
        )
