"""BatchNorm whose statistics can be kept to the support set.

A BatchNorm in training mode normalises a query by all queries of the episode: it leaks, and the result
is transductive. This one can take its statistics from the first rows of a batch, the support set, and
apply them to every row, so that each query is answered alone.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Iterator


class EpisodicBatchNorm2d(nn.BatchNorm2d):
    """BatchNorm (Ioffe and Szegedy 2015) with an optional choice of the rows that give the statistics.

    Attributes:
        n_statistics: None: ordinary BatchNorm. A number n: mean and variance of the first n rows,
            differentiable, applied to all rows; running statistics are neither read nor written.
    """

    n_statistics: int | None = None

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise (n, n_channels, height, width).

        Raises:
            ValueError: There are fewer rows than those that give the statistics.
        """
        if self.n_statistics is None:
            return super().forward(input)
        if len(input) < self.n_statistics:
            raise ValueError(
                f"{len(input)} rows, of which the first {self.n_statistics} give the statistics; pass the "
                "support set and the queries together, the support set first"
            )
        variance, mean = torch.var_mean(input[: self.n_statistics], dim=(0, 2, 3), correction=0)
        scale = torch.rsqrt(variance + self.eps)
        if self.affine:
            scale = scale * self.weight
        shift = self.bias - mean * scale if self.affine else -mean * scale
        return input * scale[:, None, None] + shift[:, None, None]


@contextmanager
def statistics_from_first(module: nn.Module, n_rows: int) -> Iterator[None]:
    """Within the block, every `EpisodicBatchNorm2d` of a module uses the first `n_rows` rows alone.

    Raises:
        ValueError: `n_rows` is less than one.
    """
    if n_rows < 1:
        raise ValueError(f"n_rows is {n_rows}; expected at least 1")
    layers = [part for part in module.modules() if isinstance(part, EpisodicBatchNorm2d)]
    before = [layer.n_statistics for layer in layers]
    try:
        for layer in layers:
            layer.n_statistics = n_rows
        yield
    finally:
        for layer, value in zip(layers, before, strict=True):
            layer.n_statistics = value
