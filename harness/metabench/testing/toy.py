"""The toy problems: images and texts of classes that are told apart with ease, made anew in a moment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from metabench.api.episodes import Episodes
from metabench.api.session import LabelledPool, as_inputs
from metabench.spec.toy import N_CLASSES, N_EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

_SIDE = 16
_CELL = 4
_PIXEL_NOISE = 40.0
_N_TOKENS = 64
_LENGTH = 12
_SHORTEST = 6
_N_KEYWORDS = 4
_KEYWORD_SHARE = 0.8


@dataclass(frozen=True)
class ToyProblem:
    """Three splits, 40 classes of 24 examples in each.

    Attributes:
        meta_train: What is learned from.
        meta_val: What a session validates on.
        meta_test: Classes that are in neither.
        n_tokens: Of texts: ids lie in 0 … n_tokens − 1; 0 for images.
    """

    meta_train: LabelledPool
    meta_val: LabelledPool
    meta_test: LabelledPool
    n_tokens: int

    @property
    def example_shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return tuple(self.meta_train.examples.shape[1:])

    def episodes(self, shots: Sequence[int], *, n_query: int, count: int = 2, seed: int = 0) -> Episodes:
        """Draw labelled episodes of meta_test, supports and queries in random order, as testing has them.

        Args:
            shots: Support examples of each class.
            n_query: Query examples per class.
            count: How many episodes.
            seed: Of the draw.
        """
        rng = torch.Generator().manual_seed(seed)
        drawn = [_draw(shots, n_query, rng) for _ in range(count)]
        support, support_labels, query, query_labels = (
            torch.stack(part) for part in zip(*drawn, strict=True)
        )
        examples, device = self.meta_test.examples, torch.device("cpu")
        return Episodes(
            support=as_inputs(examples[support], device),
            support_labels=support_labels,
            query=as_inputs(examples[query], device),
            query_labels=query_labels,
            n_way=len(shots),
        )


def toy_problem(modality: str) -> ToyProblem:
    """The problem of a modality, "image" or "text"; always the same."""
    rng = torch.Generator().manual_seed(0)
    make = _texts if modality == "text" else _images
    train, val, test = (LabelledPool(make(rng), np.arange(N_CLASSES + 1) * N_EXAMPLES) for _ in range(3))
    return ToyProblem(train, val, test, n_tokens=_N_TOKENS if modality == "text" else 0)


def _draw(shots: Sequence[int], n_query: int, rng: torch.Generator) -> tuple[Tensor, ...]:
    """Support, its labels, queries and theirs of one episode; examples by their numbers."""
    classes = torch.randperm(N_CLASSES, generator=rng)[: len(shots)]
    members = [int(one) * N_EXAMPLES + torch.randperm(N_EXAMPLES, generator=rng) for one in classes]
    pairs = list(zip(members, shots, strict=True))
    ways = torch.arange(len(shots))
    support = torch.cat([numbers[:shot] for numbers, shot in pairs])
    query = torch.cat([numbers[shot : shot + n_query] for numbers, shot in pairs])
    first, second = (torch.randperm(len(part), generator=rng) for part in (support, query))
    support_labels = ways.repeat_interleave(torch.tensor(shots))[first]
    return support[first], support_labels, query[second], ways.repeat_interleave(n_query)[second]


def _images(rng: torch.Generator) -> Tensor:
    """Each class is a pattern of grey cells, and its examples are noisy: (n, 1, 16, 16), uint8."""
    cells = torch.randint(256, (N_CLASSES, 1, 1, _SIDE // _CELL, _SIDE // _CELL), generator=rng)
    patterns = cells.repeat_interleave(_CELL, -1).repeat_interleave(_CELL, -2)
    noise = _PIXEL_NOISE * torch.randn(N_CLASSES, N_EXAMPLES, 1, _SIDE, _SIDE, generator=rng)
    return (patterns + noise).clamp(0, 255).to(torch.uint8).flatten(0, 1)


def _texts(rng: torch.Generator) -> Tensor:
    """Each class has four words of its own among others, in texts of 6 to 12: (n, 12), int64."""
    shape = (N_CLASSES, N_EXAMPLES, _LENGTH)
    keywords = 1 + torch.rand(N_CLASSES, _N_TOKENS - 1, generator=rng).argsort(1)[:, :_N_KEYWORDS]
    which = torch.randint(_N_KEYWORDS, shape, generator=rng)
    own = keywords.gather(1, which.flatten(1)).view(shape)
    others = torch.randint(1, _N_TOKENS, shape, generator=rng)
    texts = torch.where(torch.rand(shape, generator=rng) < _KEYWORD_SHARE, own, others)
    lengths = torch.randint(_SHORTEST, _LENGTH + 1, (*shape[:2], 1), generator=rng)
    return texts.masked_fill(torch.arange(_LENGTH) >= lengths, 0).flatten(0, 1)
