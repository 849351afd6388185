"""From a plan and its outcome to a record, and the identity that both have before anything is run."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from metabench.referee.outcome import BLAME
from metabench.results.environment import environment_of
from metabench.results.identity import IdentityParts
from metabench.results.record import (
    AuditPart,
    BudgetPart,
    CalibrationPart,
    ComputePart,
    EnvironmentPart,
    FailurePart,
    PluginPart,
    Record,
    SpentPart,
    TokenizerPart,
)

if TYPE_CHECKING:
    from metabench.referee.outcome import Outcome, RunError
    from metabench.results.arena import Arena
    from metabench.results.score import Scored
    from metabench.spec.plan import Entrant, RunPlan
    from metabench.spec.tokenizer import Tokenizer


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
    def parts(self) -> IdentityParts:
        """What its number depends on, as records tell it."""
        plan = self.plan
        return IdentityParts(
            benchmark=self.arena.part,
            algorithm=_plugin_part(plan.algorithm),
            backbone=_plugin_part(plan.backbone),
            tokenizer=None if plan.tokenizer is None else _tokenizer_part(plan.tokenizer),
            budget=_budget_part(plan),
            seed=plan.seed,
            environment=self.environment,
        )

    @property
    def identity(self) -> str:
        """sha256 of everything that can change the number; names of convenience are left out."""
        return self.parts.identity()


@dataclass(frozen=True)
class Circumstances:
    """What a record tells of a run besides what was planned and what came out.

    Attributes:
        started: When it began, UTC, ISO 8601.
        disguise: Fingerprint of the secret by which its questions were put in order.
        calibration: How fast the machine was before and after; None: not measured.
    """

    started: str
    disguise: str
    calibration: CalibrationPart | None


def assemble(planned: Planned, outcome: Outcome, scored: Scored, circumstances: Circumstances) -> Record:
    """Make the record of a run.

    Args:
        planned: What was run.
        outcome: What came out.
        scored: What that is worth.
        circumstances: Of the run.
    """
    parts = planned.parts
    return Record(
        identity=parts.identity(),
        started=circumstances.started,
        benchmark=parts.benchmark,
        algorithm=parts.algorithm,
        backbone=parts.backbone,
        pretraining=planned.plan.pretraining,
        tokenizer=parts.tokenizer,
        budget=parts.budget,
        seed=parts.seed,
        environment=parts.environment.model_copy(update={"isolation": _told(outcome.isolation)}),
        spent=_spent_part(outcome),
        compute=None if outcome.compute is None else ComputePart(**asdict(outcome.compute)),
        calibration=circumstances.calibration,
        status=outcome.status,
        blame=BLAME[outcome.status],
        failure=None if outcome.failure is None else _failure_part(outcome.failure),
        scores=scored.scores,
        curve=scored.curve,
        audit=AuditPart(
            verdict=outcome.findings.verdict,
            n_episodes=outcome.findings.n_episodes,
            noise_floor=outcome.findings.noise_floor,
            from_company=outcome.findings.from_company,
            from_history=outcome.findings.from_history,
        ),
        disguise=circumstances.disguise,
        files={},
    )


def _told(isolation: frozenset[str]) -> str:
    return ", ".join(sorted({"process", *isolation}))


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
        device_memory_mib=plan.device_memory_mib,
    )


def _spent_part(outcome: Outcome) -> SpentPart:
    return SpentPart(
        startup_s=round(outcome.startup_s, 3),
        meta_training_s=round(outcome.meta_training_s, 3),
        test_s=round(outcome.test_s, 3),
        processor_s=round(outcome.processor_s, 2),
        peak_memory_mib=round(outcome.peak_mib, 1),
        peak_device_mib=None if outcome.peak_device_mib is None else round(outcome.peak_device_mib, 1),
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
