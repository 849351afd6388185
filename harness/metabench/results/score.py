"""From answers to the numbers that a record tells; made and checked by the same code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.errors import MetabenchError
from metabench.results.outcomes import outcomes_of
from metabench.results.predictions import Predictions
from metabench.results.record import LARGEST, CurvePoint, ScorePart
from metabench.scoring.interval import mean_interval
from metabench.scoring.metric import score_episodes
from metabench.scoring.pooled import pooled_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from metabench.referee.outcome import Answers, Outcome
    from metabench.results.arena import Arena
    from metabench.results.outcomes import Outcomes
    from metabench.scoring.interval import Interval
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric


@dataclass(frozen=True)
class Scored:
    """A run's answers, and what they are worth.

    Attributes:
        predictions: To all episodes; None where nothing could be tested.
        outcomes: Of each episode; None likewise.
        scores: What the record tells of all metrics, the one that ranks first.
        commits: Of the curve: seconds of meta-training, and the answers then to the first episodes.
        ranking: The metric of the curve.
    """

    predictions: Predictions | None
    outcomes: Outcomes | None
    scores: tuple[ScorePart, ...]
    commits: tuple[tuple[float, Predictions], ...]
    ranking: Metric

    @property
    def curve(self) -> tuple[CurvePoint, ...]:
        """What the record tells of the commits."""
        return tuple(curve_point(answers, self.ranking, at_s) for at_s, answers in self.commits)


def score_outcome(
    outcome: Outcome, arena: Arena, metrics: Mapping[str, Metric], pooled: Mapping[str, PooledMetric]
) -> Scored:
    """Score what a contestant has answered.

    Args:
        outcome: Of the run.
        arena: Which tells what would have been right.
        metrics: By name; all of them score.
        pooled: Likewise.
    """
    predictions = None if outcome.answers is None else _beside_labels(outcome.answers, arena)
    ordered = in_order(metrics, arena.part.metric)
    outcomes = None if predictions is None else outcomes_of(predictions, ordered, pooled.values())
    return Scored(
        predictions=predictions,
        outcomes=outcomes,
        scores=() if outcomes is None else score_parts(outcomes, pooled),
        commits=tuple((at_s, _beside_labels(answers, arena)) for at_s, answers in outcome.curve),
        ranking=ordered[0],
    )


def in_order(metrics: Mapping[str, Metric], ranking: str) -> list[Metric]:
    """The metric that ranks, and then the others by name."""
    others: Iterable[str] = sorted(metrics.keys() - {ranking})
    return [metrics[name] for name in (ranking, *others)]


def score_parts(outcomes: Outcomes, pooled: Mapping[str, PooledMetric]) -> tuple[ScorePart, ...]:
    """Each metric over all episodes, with its interval; pooled ones last.

    Args:
        outcomes: Of a run.
        pooled: By name; others are left out.

    Raises:
        ValueError: The outcomes have other sums than a pooled metric is made of.
    """
    by_episode = {name: (mean_interval(scores), len(scores)) for name, scores in outcomes.scores.items()}
    of_run = {
        name: (pooled_interval(pooled[name], sums), len(sums))
        for name, sums in outcomes.sums.items()
        if name in pooled
    }
    return tuple(_score_part(name, *told) for name, told in [*by_episode.items(), *of_run.items()])


def _score_part(metric: str, told: Interval, n_episodes: int) -> ScorePart:
    if abs(told.mean) > LARGEST:
        raise MetabenchError(
            f"Metric {metric!r} gives {told.mean!r} over {n_episodes} episodes; expected at most "
            f"{LARGEST:g}, either way. Mend the extension that has it, or remove it."
        )
    return ScorePart(metric=metric, mean=told.mean, low=told.low, high=told.high, n_episodes=n_episodes)


def curve_point(predictions: Predictions, metric: Metric, at_s: float) -> CurvePoint:
    """The metric of one commit.

    Args:
        predictions: Of the first episodes.
        metric: The benchmark's.
        at_s: Seconds of meta-training at which it was committed.
    """
    told = mean_interval(score_episodes(metric, predictions.logits, predictions.labels))
    return CurvePoint(
        meta_training_s=round(at_s, 3),
        mean=told.mean,
        low=told.low,
        high=told.high,
        n_episodes=len(predictions.logits),
    )


def overlap(first: ScorePart, second: ScorePart) -> bool:
    """Have two scores an interval in common: is their difference what the choice of episodes can make."""
    return first.low <= second.high and second.low <= first.high


def _beside_labels(answers: Answers, arena: Arena) -> Predictions:
    """A contestant's answers to the first episodes, beside what would have been right."""
    logits = answers.logits
    return Predictions(logits, arena.labels[: len(logits)], arena.classes[: len(logits)])
