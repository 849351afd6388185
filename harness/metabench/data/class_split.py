"""Put classes into splits, where the user has not: 64, 16 and 20 per cent of them, drawn with a seed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from metabench.data.recipe import SPLITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metabench.data.recipe import Split

# Three splits from each of which an episode of five classes can be drawn.
FEWEST_CLASSES = 15
_FEWEST_IN_SPLIT = 5


def draw_splits(names: Iterable[str], seed: int) -> dict[str, Split]:
    """Draw the splits of at least 15 classes; the same on every machine, whatever the order of the names.

    Returns:
        The split of each class; at least five classes are in each.
    """
    # Ordered by a hash, which is fixed for ever, as the streams of generators need not be.
    drawn = sorted(names, key=lambda name: hashlib.sha256(f"{seed}\0{name}".encode()).digest())
    n_val = max(_FEWEST_IN_SPLIT, round(0.16 * len(drawn)))
    n_test = max(_FEWEST_IN_SPLIT, round(0.20 * len(drawn)))
    n_train = len(drawn) - n_val - n_test
    numbers = [0] * n_train + [1] * n_val + [2] * n_test
    return {name: SPLITS[number] for name, number in zip(drawn, numbers, strict=True)}
