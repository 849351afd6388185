"""A metric: predictions and labels of an episode → one number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Metric:
    """A per-episode score.

    Attributes:
        name: As benchmarks name it.
        title: Heading of its column in tables.
        score: (n_episodes, n_query, n_way) logits, (n_episodes, n_query) labels → (n_episodes,) finite
            scores. n_query counts the queries of the whole episode.
        higher_is_better: Which way leaderboards rank.
        as_percent: Tables show 100 times the score.
        lowest: That an episode can score; results that say less are refused.
        highest: Likewise, the most.
    """

    name: str
    title: str
    score: Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
    higher_is_better: bool = True
    as_percent: bool = True
    lowest: float = -math.inf
    highest: float = math.inf

    def impossible(self, scores: NDArray[np.float64]) -> str | None:
        """What (n_episodes,) scores tell that no episode can have, as a line; None if nothing."""
        for one in (scores.min(), scores.max()):
            if not self.lowest - _ROUNDING <= one <= self.highest + _ROUNDING:
                expected = f"expected {self.lowest:g} … {self.highest:g}"
                return f"An episode scores {one:g} by {self.name!r}; {expected}."
        return None


def score_episodes(
    metric: Metric, logits: Sequence[NDArray[np.float32]], labels: Sequence[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Score episodes one by one, as their shapes may differ.

    Args:
        metric: What to score with.
        logits: (n_query_total, n_way) of each episode.
        labels: (n_query_total,) of each episode.

    Returns:
        (n_episodes,).
    """
    return np.array(
        [metric.score(one[None], right[None])[0] for one, right in zip(logits, labels, strict=True)]
    )
