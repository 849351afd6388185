"""Transformer: a small encoder of attention layers over a text's tokens."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from metabench.api import Backbone, Inputs, Tokenizer, option, trim_padding
from metabench_plugins.backbones._attention import EncoderLayer, check_heads


class Transformer(Backbone):
    """An encoder of self-attention layers, averaged over the tokens. Vaswani et al. 2017, section 3.

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017.

    Differs from the paper: normalisation before each part instead of after it (Xiong et al., "On Layer
    Normalization in the Transformer Architecture", ICML 2020), which needs no warm-up; learned places;
    embeddings that are not multiplied by √width; GELU where it has ReLU; no dropout; the mean over tokens as
    features; two layers of width 128 where it has six of 512.
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
        check_heads("transformer", self.width, self.heads)
        self.embedding = nn.Embedding(self.n_tokens, self.width, padding_idx=0)
        self.places = nn.Parameter(0.1 * torch.randn(example_shape[0], self.width))
        self.blocks = nn.ModuleList(EncoderLayer(self.width, self.heads) for _ in range(self.layers))
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
