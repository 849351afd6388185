"""Labels in meta-training, for methods with an output of its own for each of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from metabench.api import Episodes


def spread_labels(episodes: Episodes, n_way: int) -> Episodes:
    """The same episodes as some of the classes of larger ones, drawn from torch's generator.

    An output that no episode of meta-training has would stay as it was made: as where meta_train has fewer
    classes than an episode of testing may have.

    Args:
        episodes: Labelled.
        n_way: Classes of the larger episodes. Episodes that have as many stay as they are.

    Returns:
        Each episode with labels in 0 … n_way − 1, all classes named anew.
    """
    if episodes.n_way >= n_way:
        return episodes
    names = torch.rand(len(episodes), n_way, device=episodes.support_labels.device).argsort(1)
    return replace(
        episodes,
        support_labels=names.gather(1, episodes.support_labels),
        query_labels=names.gather(1, episodes.targets),
        n_way=n_way,
    )
