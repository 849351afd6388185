"""From a plan and its outcome to a record, and the identity that both have before anything is run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from metabench.referee.outcome import BLAME
from metabench.results.environment import environment_of
from metabench.results.record import (
    SCHEMA_VERSION,
    AuditPart,
    BudgetPart,
    CurvePoint,
    EnvironmentPart,
    FailurePart,
    PluginPart,
    Record,
    ScorePart,
    SpentPart,
    TokenizerPart,
)
from metabench.scoring.interval import mean_interval
from metabench.scoring.metric import score_episodes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from metabench.referee.outcome import Answers, Outcome, RunError
    from metabench.results.arena import Arena
    from metabench.scoring.metric import Metric
    from metabench.spec.plan import Entrant, RunPlan
    from metabench.spec.tokenizer import Tokenizer

# What says where a run took place, but not what its number can depend on.
_INCIDENTAL = {"platform", "processor", "isolation", "metabench"}


@dataclass(frozen=True)
class Planned:
    """The parts of a record that are known before the run.

    Attributes:
        plan: The run.
        arena: The benchmark made ready.
        environment: Of this machine.
    """

    plan: RunPlan
    arena: Arena
    environment: EnvironmentPart

    @classmethod
    def of(cls, plan: RunPlan, arena: Arena) -> Planned:
        """Plan a run on this machine."""
        return cls(plan, arena, environment_of(plan))

    @property
    def identity(self) -> str:
        """sha256 of everything that can change the number; names of convenience are left out."""
        told = {
            "schema": SCHEMA_VERSION,
            "benchmark": self.arena.part.model_dump(exclude={"name"}),
            "algorithm": _plugin_part(self.plan.algorithm).model_dump(exclude={"name", "version"}),
            "backbone": _plugin_part(self.plan.backbone).model_dump(exclude={"name", "version"}),
            "budget": _budget_part(self.plan).model_dump(exclude={"name"}),
            "seed": self.plan.seed,
            "environment": self.environment.model_dump(exclude=_INCIDENTAL),
        }
        if self.plan.tokenizer is not None:
            told["tokenizer"] = _tokenizer_part(self.plan.tokenizer).model_dump()
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def assemble(planned: Planned, outcome: Outcome, metric: Metric, started: str) -> Record:
    """Make the record of a run.

    Args:
        planned: What was run.
        outcome: What came out.
        metric: The benchmark's.
        started: When the run began, UTC, ISO 8601.
    """
    plan = planned.plan
    return Record(
        identity=planned.identity,
        started=started,
        benchmark=planned.arena.part,
        algorithm=_plugin_part(plan.algorithm),
        backbone=_plugin_part(plan.backbone),
        pretraining=plan.pretraining,
        tokenizer=None if plan.tokenizer is None else _tokenizer_part(plan.tokenizer),
        budget=_budget_part(plan),
        seed=plan.seed,
        environment=planned.environment,
        spent=_spent_part(outcome),
        compute=None,
        calibration=None,
        status=outcome.status,
        blame=BLAME[outcome.status],
        failure=None if outcome.failure is None else _failure_part(outcome.failure),
        scores=_scores(planned.arena, outcome, metric),
        curve=_curve(planned.arena, outcome, metric),
        audit=AuditPart(
            verdict=outcome.findings.verdict,
            n_episodes=outcome.findings.n_episodes,
            noise_floor=outcome.findings.noise_floor,
            from_company=outcome.findings.from_company,
            from_history=outcome.findings.from_history,
        ),
        files={},
    )


def _plugin_part(entrant: Entrant) -> PluginPart:
    plugin = entrant.plugin
    return PluginPart(
        name=plugin.name,
        target=plugin.target,
        distribution=plugin.distribution,
        version=plugin.version,
        source_hash=entrant.source_hash,
        options=dict(entrant.options),
    )


def _tokenizer_part(tokenizer: Tokenizer) -> TokenizerPart:
    return TokenizerPart(**asdict(tokenizer), library=version("tokenizers"))


def _budget_part(plan: RunPlan) -> BudgetPart:
    budget = plan.budget
    return BudgetPart(
        name=budget.name,
        seconds=budget.seconds,
        episodes=budget.episodes,
        memory_mib=budget.memory_mib,
        adaptation_s=budget.adaptation_s,
    )


def _spent_part(outcome: Outcome) -> SpentPart:
    return SpentPart(
        startup_s=round(outcome.startup_s, 3),
        meta_training_s=round(outcome.meta_training_s, 3),
        test_s=round(outcome.test_s, 3),
        processor_s=round(outcome.processor_s, 2),
        peak_memory_mib=round(outcome.peak_mib, 1),
        peak_device_mib=None,
        steps=outcome.progress.steps,
        episodes=outcome.progress.episodes,
        examples=outcome.progress.examples,
    )


def _failure_part(failure: RunError) -> FailurePart:
    ending = failure.ending
    return FailurePart(
        phase=failure.phase,
        message=failure.message,
        exit_code=ending.exit_code if ending else None,
        signal=ending.signal if ending else None,
        stderr_tail=ending.stderr_tail if ending else "",
    )


def _scores(arena: Arena, outcome: Outcome, metric: Metric) -> tuple[ScorePart, ...]:
    if outcome.answers is None:
        return ()
    interval = mean_interval(_per_episode(arena, outcome.answers, metric))
    return (
        ScorePart(
            metric=metric.name,
            mean=interval.mean,
            low=interval.low,
            high=interval.high,
            n_episodes=len(outcome.answers.questions),
        ),
    )


def _curve(arena: Arena, outcome: Outcome, metric: Metric) -> tuple[CurvePoint, ...]:
    points = []
    for at_s, answers in outcome.curve:
        interval = mean_interval(_per_episode(arena, answers, metric))
        points.append(
            CurvePoint(
                meta_training_s=round(at_s, 3),
                mean=interval.mean,
                low=interval.low,
                high=interval.high,
                n_episodes=len(answers.questions),
            )
        )
    return tuple(points)


def _per_episode(arena: Arena, answers: Answers, metric: Metric) -> NDArray[np.float64]:
    logits = answers.logits
    return score_episodes(metric, logits, arena.labels[: len(logits)])
