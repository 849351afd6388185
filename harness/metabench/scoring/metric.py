"""A metric: predictions and labels of an episode → one number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


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
    """

    name: str
    title: str
    score: Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float64]]
    higher_is_better: bool = True
    as_percent: bool = True
