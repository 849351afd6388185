"""Pooled metrics: a ratio of sums, whose interval is known from elsewhere."""

import math

import numpy as np
import pytest

from metabench.scoring.interval import Interval, mean_interval
from metabench.scoring.pooled import PooledMetric, pooled_interval, sum_episodes

RATIO = PooledMetric(
    name="ratio",
    title="ratio",
    n_sums=2,
    sums=lambda logits, labels: np.stack(
        [logits[..., 0].sum(axis=1), np.full(len(labels), labels.shape[1])], -1
    ),
    value=lambda sums: sums[..., 0] / sums[..., 1],
)


def test_episodes_of_different_shapes_are_added_up() -> None:
    logits = [np.ones((3, 2), np.float32), np.full((5, 4), 2, np.float32)]
    labels = [np.zeros(3, np.int64), np.zeros(5, np.int64)]

    assert sum_episodes(RATIO, logits, labels).tolist() == [[3, 3], [10, 5]]


def test_of_a_mean_of_equal_episodes_it_is_the_classical_interval() -> None:
    scores = np.random.default_rng(0).uniform(size=40)

    found = pooled_interval(RATIO, np.stack([scores * 15, np.full(40, 15)], axis=1))

    theirs = mean_interval(scores)
    assert (found.mean, found.low, found.high) == pytest.approx((theirs.mean, theirs.low, theirs.high))


def test_the_interval_of_a_ratio_covers_the_truth() -> None:
    """Episodes have 5 to 100 queries, and what they score depends on how many."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(1000):
        counts = rng.integers(5, 101, 100)
        totals = counts * (counts / 100 + rng.normal(0, 0.2, 100))
        found.append(pooled_interval(RATIO, np.stack([totals, counts], axis=1)))

    truth = np.mean(np.arange(5, 101) ** 2) / 100 / np.mean(np.arange(5, 101))
    assert 0.93 <= np.mean([one.low <= truth <= one.high for one in found]) <= 0.97


def test_a_single_episode_says_nothing_of_the_spread() -> None:
    assert pooled_interval(RATIO, np.array([[3.0, 4.0]])) == Interval(0.75, -math.inf, math.inf)


@pytest.mark.parametrize("shape", [(0, 2), (4, 1), (4, 3)])
def test_no_episodes_and_sums_of_something_else_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(
        ValueError, match=rf"sums of shape \({shape[0]}, {shape[1]}\) for .ratio.; expected 2 of at least one"
    ):
        pooled_interval(RATIO, np.zeros(shape))
