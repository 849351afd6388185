"""Transformer: a small encoder of attention layers over a text's tokens."""

from __future__ import annotations

import math
from typing import ClassVar

import torch
from torch import Tensor, nn

from metabench.api import Backbone, Inputs, Tokenizer, option, trim_padding


class Transformer(Backbone):
    """An encoder of self-attention layers, averaged over the tokens. Vaswani et al. 2017, section 3.

    Differs from the paper: normalisation before each part instead of after it (Xiong et al. 2020), which
    needs no warm-up; learned places; no dropout; the mean over tokens as features; two layers. Attention
    is written out, as the fused one cannot be differentiated twice, which MAML does.
    """

    modality = "text"
    tokenizer: ClassVar[Tokenizer] = Tokenizer("bpe", n_tokens=1000, length=32)

    width: int = option(128, "size of an embedding; a multiple of `heads`", at_least=1)
    layers: int = option(2, "layers of attention", at_least=1)
    heads: int = option(4, "heads of each layer", at_least=1)

    def setup(self, example_shape: tuple[int, ...]) -> None:
        """Make embeddings and layers for texts of shape (length,).

        Raises:
            ValueError: The width cannot be divided among the heads.
        """
        if self.width % self.heads:
            raise ValueError(
                f"width of transformer is {self.width}; expected a multiple of heads ({self.heads}). "
                "Set another width."
            )
        self.embedding = nn.Embedding(self.n_tokens, self.width, padding_idx=0)
        self.places = nn.Parameter(0.1 * torch.randn(example_shape[0], self.width))
        self.blocks = nn.ModuleList(_Block(self.width, self.heads) for _ in range(self.layers))
        self.norm = nn.LayerNorm(self.width)
        self.n_features = self.width

    def forward(self, inputs: Inputs) -> Tensor:
        """Token ids (n, length) with their mask → features (n, width)."""
        assert isinstance(inputs, dict)
        texts = trim_padding(inputs)
        ids, mask = texts["ids"], texts["mask"]
        states = self.embedding(ids) + self.places[: ids.shape[1]]
        for block in self.blocks:
            states = block(states, mask)
        weights = mask[..., None].to(states.dtype)
        total: Tensor = (self.norm(states) * weights).sum(1)
        return total / weights.sum(1)


class _Block(nn.Module):
    """Attention and a layer for each place (sections 3.1 to 3.3), each added to what came in."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm, self.layer_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attended, self.joined = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.layer = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, states: Tensor, mask: Tensor) -> Tensor:
        """States (n, length, width) and mask (n, length) → states."""
        states = states + self._attend(self.attention_norm(states), mask)
        updated: Tensor = states + self.layer(self.layer_norm(states))
        return updated

    def _attend(self, states: Tensor, mask: Tensor) -> Tensor:
        """Equation 1 for each head, over the tokens that the mask shows."""
        n, length, width = states.shape
        split = self.attended(states).view(n, length, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        scores = query @ key.transpose(2, 3) / math.sqrt(width // self.heads)
        weights = scores.masked_fill(~mask[:, None, None], -torch.inf).softmax(3)
        joined: Tensor = self.joined((weights @ value).transpose(1, 2).reshape(n, length, width))
        return joined
