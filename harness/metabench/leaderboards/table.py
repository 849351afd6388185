"""A leaderboard as data: what is compared, under which rules, and how each method fared."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metabench.referee.outcome import Verdict
    from metabench.results.record import BenchmarkPart, BudgetPart, PluginPart
    from metabench.scoring.compare import Comparisons
    from metabench.scoring.interval import Interval


@dataclass(frozen=True)
class Track:
    """The rules under which results compare.

    Attributes:
        benchmark: With the hashes of its content and of its episodes.
        budget: Named by its amount, whatever a run called it.
        pretrained: Whether backbones may have been trained before.
        device_class: What the contestants computed on.
        precision: Of their arithmetic.
    """

    benchmark: BenchmarkPart
    budget: BudgetPart
    pretrained: bool
    device_class: str
    precision: str


@dataclass(frozen=True)
class Row:
    """One method with one backbone, over all its seeds.

    Attributes:
        algorithm: Name, with what tells it from its namesakes on the board.
        backbone: Likewise.
        plugins: Both as their records tell them, whatever else stands on the board.
        n_seeds: Seeds that were run.
        score: Mean of the metric and its 95 % interval, in the metric's unit; None if nothing was scored.
        rank: First and last place that it may hold; None if it is not ranked with the others.
        spent_s: Seconds of meta-training, mean over seeds.
        spent_episodes: Episodes of meta-training, mean over seeds.
        peak_memory_mib: The most that any seed used, MiB.
        verdict: The audit's; of several seeds the most serious.
        status: "ok" or how the run failed; of several seeds how many are ok.
        coverage: Part of the seeds' episodes that were answered, 0 … 1; the score of a method that is ranked
            has those of seeds that failed as guessing.
        notes: What a reader should know, a line each.
        cost_s: Seconds of meta-training as the reference machine would take them, mean over seeds; None
            where the speed of a machine is not known.
        operations: Floating-point operations of meta-training, mean over seeds; None where they are not
            known, or not all.
        is_steady: As far as is known, no seed's machine changed its speed while it ran.
        identities: Of the results it is made of, by seed.
        over_classes: The mean with an interval for other classes from the same source, for the seeds that
            were run; None where the classes of the episodes are not told.
        worst_seed: The score of the seed that did worst; None with a single seed, or nothing scored.
        others: Means of the other metrics, by name, as the records tell them.
        episode_s: Seconds that a test episode took, mean over seeds.
        parameters: Numbers that meta-training can change; None where they are not known.
    """

    algorithm: str
    backbone: str
    plugins: tuple[PluginPart, PluginPart]
    n_seeds: int
    score: Interval | None
    rank: tuple[int, int] | None
    spent_s: float
    spent_episodes: float
    peak_memory_mib: float
    verdict: Verdict
    status: str
    coverage: float
    notes: tuple[str, ...] = ()
    cost_s: float | None = None
    operations: float | None = None
    is_steady: bool = True
    identities: tuple[str, ...] = ()
    over_classes: Interval | None = None
    worst_seed: float | None = None
    others: Mapping[str, float] = field(default_factory=dict)
    episode_s: float = 0.0
    parameters: int | None = None


@dataclass(frozen=True)
class Leaderboard:
    """The methods of one track.

    Attributes:
        track: What they have in common.
        metric_title: Heading of the score.
        as_percent: Show 100 times the score.
        rows: Ranked ones by score, then unranked ones with a score, then those without.
        machines: The processors that they ran on; of several, seconds do not compare.
        comparisons: Of every two ranked rows, in their order; None where none is ranked.
        apart: In what its rules differ from those of leaderboards of the same name, with its own values.
    """

    track: Track
    metric_title: str
    as_percent: bool
    rows: tuple[Row, ...]
    machines: tuple[str, ...] = ()
    comparisons: Comparisons | None = field(default=None, compare=False)
    apart: tuple[str, ...] = ()
