"""Chance-normalised accuracy: 0 for guessing, 1 for no mistake, whatever the number of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.hooks import hookimpl
from metabench.scoring.metric import Metric
from metabench_plugins.metrics.accuracy import accuracy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@hookimpl
def metabench_metrics() -> list[Metric]:
    """Declare `chance-normalised`."""
    # Of two classes: all wrong. Of more, chance is less, and so is what can be lost.
    return [Metric("chance-normalised", "above chance", chance_normalised, lowest=-1.0, highest=1.0)]


def chance_normalised(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rescale the accuracy a at N ways to (a − 1/N) / (1 − 1/N), as the cross-domain MetaDL challenge does.

    Args:
        logits: (n_episodes, n_query_total, n_way).
        labels: (n_episodes, n_query_total).

    Returns:
        (n_episodes,); negative where guessing would be better.
    """
    chance = 1 / logits.shape[-1]
    normalised: NDArray[np.float64] = (accuracy(logits, labels) - chance) / (1 - chance)
    return normalised
