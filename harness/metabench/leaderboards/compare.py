"""Two results side by side, episode by episode and class by class."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from metabench.errors import UsageError
from metabench.leaderboards.labels import labels
from metabench.results.files import OUTCOMES_FILE, ResultError, read_outcomes, read_predictions
from metabench.results.outcomes import outcomes_of
from metabench.results.score import in_order
from metabench.scoring.compare import Comparison, compare

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from metabench.results.folder import Stored
    from metabench.results.outcomes import Outcomes
    from metabench.results.record import Record
    from metabench.scoring.metric import Metric

_HASH_LENGTH = 16
# Scores closer than this, relative to themselves, differ by rounding only.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class MetricDifference:
    """Two results by one metric, over all episodes.

    Attributes:
        metric: By which.
        first: Mean of the first result, in the metric's unit.
        second: Mean of the second one.
        paired: First − second on the same episodes.
        wins: Episodes in which the first is better.
        ties: In which they are equal.
        losses: In which the second is better.
    """

    metric: Metric
    first: float
    second: float
    paired: Comparison
    wins: int
    ties: int
    losses: int


@dataclass(frozen=True)
class ClassDifference:
    """Two results on the queries of one class, by the metric that ranks.

    Attributes:
        name: Of the class.
        n_episodes: That have it.
        first: Mean of the first result over these.
        second: Mean of the second one.
    """

    name: str
    n_episodes: int
    first: float
    second: float

    @property
    def difference(self) -> float:
        """First − second."""
        return self.first - self.second


@dataclass(frozen=True, eq=False)
class PairedResults:
    """Two results on the same episodes.

    Attributes:
        names: Of both, as short as they can be told apart.
        benchmark: Of both.
        differences: (n_episodes,) first − second, by the metric that ranks.
        metrics: The one that ranks, then others by name.
        classes: From the class in which the first is ahead the most to that in which the second is; empty
            where results of old do not name them.
        unequal: What was not the same for both, e.g. "budget.seconds is 60.0 and 300.0".
    """

    names: tuple[str, str]
    benchmark: str
    differences: NDArray[np.float64]
    metrics: tuple[MetricDifference, ...]
    classes: tuple[ClassDifference, ...]
    unequal: tuple[str, ...]


def pair_results(first: Stored, second: Stored, metrics: Mapping[str, Metric]) -> PairedResults:
    """Compare two results of one benchmark.

    Args:
        first: A result, or a bundle.
        second: Another one.
        metrics: By name.

    Raises:
        ResultError: The outcomes of one are absent, damaged, or of other episodes.
        UsageError: They are of different benchmarks, or the metric that ranks is unknown here.
    """
    one, other = first.record, second.record
    _check_same_benchmark(one, other)
    ranking = one.benchmark.metric
    if ranking not in metrics:
        raise UsageError(f"Metric {ranking!r} is unknown here. Install the extension that has it.")
    told = [_outcomes(stored, metrics) for stored in (first, second)]
    _check_same_episodes(*told)
    scores, others = told[0].scores, told[1].scores
    names = [metric.name for metric in in_order(metrics, ranking) if metric.name in scores.keys() & others]
    return PairedResults(
        names=_names(one, other),
        benchmark=one.benchmark.name,
        differences=scores[ranking] - others[ranking],
        metrics=tuple(_by_metric(metrics[name], scores[name], others[name]) for name in names),
        classes=_by_class(*told),
        unequal=tuple(_differing(_terms(one), _terms(other))),
    )


def most_different(
    classes: Sequence[ClassDifference], n_each_way: int
) -> tuple[Sequence[ClassDifference], Sequence[ClassDifference]]:
    """Those at both ends of classes in order of their difference; together all where these are few."""
    if len(classes) <= 2 * n_each_way:
        return classes, ()
    return classes[:n_each_way], classes[-n_each_way:]


def _check_same_benchmark(one: Record, other: Record) -> None:
    """Names of convenience may differ; whatever gives other episodes may not."""
    parts = [record.benchmark.model_dump(exclude={"name"}) for record in (one, other)]
    told = "; ".join(_differing(parts[0], parts[1]))
    if told:
        names = " and ".join(repr(record.benchmark.name) for record in (one, other))
        raise UsageError(
            f"Results of {names} are not of one benchmark: {told}; expected the same episodes. Choose two "
            "results of one table."
        )


def _differing(one: Mapping[str, object], other: Mapping[str, object], above: str = "") -> Iterator[str]:
    """Each value that differs, by its name in the record."""
    for name in sorted(one.keys() | other.keys()):
        first, second = one.get(name), other.get(name)
        if isinstance(first, dict) and isinstance(second, dict):
            yield from _differing(first, second, above=f"{above}{name}.")
        elif first != second:
            yield f"{above}{name} is {_shown(first)} and {_shown(second)}"


def _shown(value: object) -> str:
    """A value as it stands in a record; of a hash its beginning, of a dataset its name."""
    if isinstance(value, dict):
        return repr(value.get("name"))
    return repr(value[:_HASH_LENGTH] if isinstance(value, str) else value)


def _terms(record: Record) -> dict[str, object]:
    """What has to be equal for a difference to be the methods'."""
    return {
        "budget": record.budget.model_dump(exclude={"name"}),
        "device_class": record.environment.device_class,
        "precision": record.environment.precision,
        "pretraining": record.pretraining,
        "audit": record.audit.verdict,
        "status": record.status,
    }


def _outcomes(stored: Stored, metrics: Mapping[str, Metric]) -> Outcomes:
    """What came of each episode; of results of old it follows from the predictions."""
    record = stored.record
    if OUTCOMES_FILE in record.files:
        return read_outcomes(stored.folder, record)
    return outcomes_of(read_predictions(stored.folder, record), in_order(metrics, record.benchmark.metric))


def _check_same_episodes(one: Outcomes, other: Outcomes) -> None:
    counts = len(one.guessing), len(other.guessing)
    if counts[0] != counts[1]:
        raise ResultError(
            f"One result has outcomes of {counts[0]} episodes, the other of {counts[1]}; expected the same. "
            "Run `metabench verify` on both."
        )
    if one.classes and other.classes and one.classes != other.classes:
        raise ResultError(
            "The results name other classes for the same episodes; expected the same. Run `metabench verify` "
            "on both."
        )


def _names(one: Record, other: Record) -> tuple[str, str]:
    algorithms, backbones = (
        labels([getattr(one, part), getattr(other, part)]) for part in ("algorithm", "backbone")
    )
    first, second = (
        f"{algorithm}, {backbone}, seed {record.seed}"
        for algorithm, backbone, record in zip(algorithms, backbones, (one, other), strict=True)
    )
    return first, second


def _by_metric(metric: Metric, first: NDArray[np.float64], second: NDArray[np.float64]) -> MetricDifference:
    is_tie = np.isclose(first, second, rtol=_ROUNDING, atol=0)
    is_win = ~is_tie & ((first > second) == metric.higher_is_better)
    n_ties, n_wins = int(is_tie.sum()), int(is_win.sum())
    return MetricDifference(
        metric=metric,
        first=float(first.mean()),
        second=float(second.mean()),
        paired=compare(first, second),
        wins=n_wins,
        ties=n_ties,
        losses=len(first) - n_ties - n_wins,
    )


def _by_class(one: Outcomes, other: Outcomes) -> tuple[ClassDifference, ...]:
    if not (one.classes and other.classes):
        return ()
    pairs: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for names, *scores in zip(one.classes, one.class_scores, other.class_scores, strict=True):
        for name, first, second in zip(names, *(told.tolist() for told in scores), strict=True):
            pairs[name].append((first, second))
    found = [
        ClassDifference(name, len(told), *(fmean(column) for column in zip(*told, strict=True)))
        for name, told in pairs.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.difference, one.name)))
