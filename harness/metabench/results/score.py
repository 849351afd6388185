"""From predictions to the numbers that a record tells; made and checked by the same code."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.results.record import CurvePoint, ScorePart
from metabench.scoring.interval import mean_interval
from metabench.scoring.metric import score_episodes

if TYPE_CHECKING:
    from metabench.results.predictions import Predictions
    from metabench.scoring.interval import Interval
    from metabench.scoring.metric import Metric


def score_part(predictions: Predictions, metric: Metric) -> ScorePart:
    """The metric over all episodes, with its interval."""
    interval = _interval(predictions, metric)
    return ScorePart(
        metric=metric.name,
        mean=interval.mean,
        low=interval.low,
        high=interval.high,
        n_episodes=len(predictions.logits),
    )


def curve_point(predictions: Predictions, metric: Metric, at_s: float) -> CurvePoint:
    """The metric of one commit.

    Args:
        predictions: Of the first episodes.
        metric: The benchmark's.
        at_s: Seconds of meta-training at which it was committed.
    """
    interval = _interval(predictions, metric)
    return CurvePoint(
        meta_training_s=round(at_s, 3),
        mean=interval.mean,
        low=interval.low,
        high=interval.high,
        n_episodes=len(predictions.logits),
    )


def overlap(first: ScorePart, second: ScorePart) -> bool:
    """Have two scores an interval in common: is their difference what the choice of episodes can make."""
    return first.low <= second.high and second.low <= first.high


def _interval(predictions: Predictions, metric: Metric) -> Interval:
    return mean_interval(score_episodes(metric, predictions.logits, predictions.labels))
