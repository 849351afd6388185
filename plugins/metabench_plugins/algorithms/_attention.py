"""Layers of multi-head self-attention, as the transformers over support and query have them."""

from __future__ import annotations

from torch import nn


def attention_layers(width: int, heads: int, count: int) -> list[nn.TransformerEncoderLayer]:
    """Encoder layers of Vaswani et al. 2017, section 3.1, for states (n, length, width).

    Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017.

    Differs from the paper: normalisation before each part instead of after it (Xiong et al., "On Layer
    Normalization in the Transformer Architecture", ICML 2020), which needs no warm-up; GELU where it has
    ReLU; no dropout. Each layer has first weights of its own.

    Args:
        width: Size of a state.
        heads: Of each layer.
        count: How many layers.

    Raises:
        ValueError: The width cannot be divided among the heads.
    """
    if width % heads:
        raise ValueError(
            f"states of {width} numbers for {heads} heads; expected a multiple. Set another number of heads."
        )
    return [
        nn.TransformerEncoderLayer(
            width,
            heads,
            dim_feedforward=4 * width,
            dropout=0.0,
            activation="gelu",
            batch_first=True,
            norm_first=True,
        )
        for _ in range(count)
    ]
