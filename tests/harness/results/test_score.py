"""The numbers of a record are those of an independent computation."""

import numpy as np
import pytest
from scipy import stats

from metabench.results.outcomes import outcomes_of
from metabench.results.predictions import Predictions
from metabench.results.score import curve_point, score_parts
from metabench.scoring.metric import Metric
from metabench.scoring.pooled import PooledMetric

METRIC = Metric("first", "first", lambda logits, labels: logits[:, 0, 0].astype(np.float64))
LOGITS = np.random.default_rng(0).normal(size=(7, 3, 2)).astype(np.float32)
PREDICTIONS = Predictions(tuple(LOGITS), (np.zeros(3, np.int64),) * 7)


def test_a_score_is_the_mean_over_episodes_with_its_interval() -> None:
    (part,) = score_parts(outcomes_of(PREDICTIONS, [METRIC]), {})

    theirs = stats.ttest_1samp(LOGITS[:, 0, 0].astype(np.float64), 0.0).confidence_interval(0.95)
    assert (part.low, part.high) == pytest.approx((theirs.low, theirs.high))
    assert part.mean == pytest.approx(float(LOGITS[:, 0, 0].mean()))
    assert (part.metric, part.n_episodes) == ("first", 7)


def test_a_pooled_metric_is_of_all_queries_and_comes_last() -> None:
    pooled = PooledMetric(
        "ratio",
        "ratio",
        2,
        lambda logits, labels: logits[:, :2, 0].astype(np.float64) ** 2,
        lambda sums: sums[..., 0] / sums[..., 1],
    )
    outcomes = outcomes_of(PREDICTIONS, [METRIC], [pooled])

    first, last = score_parts(outcomes, {"ratio": pooled})

    squares = LOGITS[:, :2, 0].astype(np.float64) ** 2
    assert (first.metric, last.metric, last.n_episodes) == ("first", "ratio", 7)
    assert last.mean == pytest.approx(squares[:, 0].sum() / squares[:, 1].sum())
    assert last.low < last.mean < last.high
    assert [part.metric for part in score_parts(outcomes, {})] == ["first"]


def test_a_point_of_the_curve_is_the_same_at_its_time() -> None:
    point = curve_point(PREDICTIONS, METRIC, 1.23456)
    (part,) = score_parts(outcomes_of(PREDICTIONS, [METRIC]), {})

    assert (point.mean, point.low, point.high) == (part.mean, part.low, part.high)
    assert (point.meta_training_s, point.n_episodes) == (1.235, 7)
