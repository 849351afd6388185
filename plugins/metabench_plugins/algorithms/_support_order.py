"""The order in which a method that reads the support one by one gets it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from metabench.api import Episodes


def shuffled_support(episodes: Episodes) -> Episodes:
    """The same episodes with each support in an order of its own, drawn from torch's generator.

    Meta-training episodes list their support class by class, those of testing in any order. A method that
    reads it one by one would learn the classes from their places.

    Args:
        episodes: Their support is features, (n_episodes, n_support, n_features).
    """
    assert isinstance(episodes.support, Tensor)
    labels = episodes.support_labels
    order = torch.rand(labels.shape, device=labels.device).argsort(1)
    support = episodes.support.gather(1, order[..., None].expand_as(episodes.support))
    return replace(episodes, support=support, support_labels=labels.gather(1, order))
