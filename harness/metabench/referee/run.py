"""One run, from plan to outcome: meta-training, testing, audit, each in a process of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from metabench.clock import now
from metabench.referee.audit import audit
from metabench.referee.compute import measure_compute
from metabench.referee.enclosure import Enclosure, copied_to
from metabench.referee.limits import Limits
from metabench.referee.outcome import NOT_AUDITED, Answers, Outcome, RunError
from metabench.referee.process import ContestantProcess
from metabench.referee.testing import Examinee
from metabench.referee.training import Commit, Training, meta_train
from metabench.spec.protocol import training_protocol
from metabench.wire.reports import Assignment, PluginAddress

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.dataset import Dataset
    from metabench.referee.disguise import Questions
    from metabench.referee.events import Listener
    from metabench.referee.outcome import Phase
    from metabench.spec.plan import Entrant, RunPlan

# The anytime curve shows a tenth of the episodes per earlier commit: enough to see its shape.
CURVE_PART = 10


@dataclass(frozen=True)
class Match:
    """What one run is refereed with.

    Attributes:
        plan: The run.
        dataset: Opened.
        questions: The meta_test episodes, disguised.
        listener: Is told what happens.
        hidden: Data and results, which its contestants must not see.
    """

    plan: RunPlan
    dataset: Dataset
    questions: Questions
    listener: Listener
    hidden: tuple[Path, ...] = ()

    @property
    def assignment(self) -> Assignment:
        """What its contestants are told."""
        plan, protocol = self.plan, training_protocol(self.plan.benchmark.protocol)
        return Assignment(
            role="train",
            algorithm=address_of(plan.algorithm),
            backbone=address_of(plan.backbone),
            most_way=max(batch.n_way for batch in self.questions.batches),
            n_way=protocol.n_way,
            n_shot=protocol.n_shot,
            n_query=protocol.n_query,
            example_shape=self.dataset.example_shape,
            n_tokens=self.dataset.n_tokens,
            seed=plan.seed,
            device=plan.device,
            device_memory_mib=plan.device_memory_mib,
            precision=plan.precision,
            n_threads=plan.n_threads,
            seconds=plan.budget.seconds,
            episodes=plan.budget.episodes,
        )

    @property
    def limits(self) -> Limits:
        """What each of its processes gets."""
        plan = self.plan
        return Limits(
            memory_mib=plan.budget.memory_mib,
            n_threads=plan.n_threads,
            seed=plan.seed,
            device_memory_mib=plan.device_memory_mib,
        )

    @property
    def enclosure(self) -> Enclosure:
        """What each of them has of this machine."""
        plugins = (self.plan.algorithm.plugin, self.plan.backbone.plugin)
        return Enclosure(plugins, self.hidden, self.plan.device)

    @property
    def test_examples(self) -> NDArray[np.uint8] | NDArray[np.int64]:
        """The examples that its questions name, (n_shown, …)."""
        return self.dataset.pools["meta_test"].numbers[self.questions.examples]

    def contestant(self, phase: Phase) -> ContestantProcess:
        """One of its contestants, to be started."""
        return ContestantProcess(self.limits, phase, self.enclosure)


def referee_run(match: Match) -> Outcome:
    """Run a plan. Whatever its plugins do becomes part of the outcome; nothing of it is raised."""
    plan, listener = match.plan, match.listener
    listener.phase_started(plan, "meta-training")
    with match.contestant("start") as process:
        training = meta_train(
            process,
            match.assignment,
            match.dataset,
            plan.budget,
            lambda progress: listener.meta_training(plan, progress),
        )
        if training.last is None and training.failure is None:
            training.failure = process.failed(
                "crashed", "ends meta-training without a commit; one was expected"
            )
    outcome, processes = _after(training), [process]
    if training.last is not None:
        listener.phase_started(plan, "test")
        # Both start at once: importing takes as long as testing, and neither is on the clock.
        with (
            match.contestant("test") as tester,
            match.contestant("audit") as auditor,
        ):
            outcome = _test(match, training, outcome, tester)
            if outcome.answers is not None:
                outcome = _audit(match, training.last, outcome, auditor)
            outcome = _with_peaks(outcome, tester, auditor)
        processes += tester, auditor
    return replace(outcome, isolation=_isolation(processes))


def _after(training: Training) -> Outcome:
    """The outcome as it stands after meta-training."""
    return Outcome(
        failure=training.failure,
        startup_s=training.startup_s,
        meta_training_s=training.spent_s,
        test_s=0.0,
        processor_s=training.processor_s,
        peak_mib=training.peak_mib,
        peak_device_mib=training.peak_device_mib,
        progress=training.progress,
        weights=training.last.weights if training.last else None,
        answers=None,
        curve=(),
        findings=NOT_AUDITED,
        isolation=frozenset(),
        compute=None,
    )


def _test(match: Match, training: Training, outcome: Outcome, process: ContestantProcess) -> Outcome:
    """Test the last commit, then sketch the curve from the earlier ones."""
    plan, questions = match.plan, match.questions
    assert training.last is not None
    try:
        examinee = Examinee(process, match.assignment, plan.budget)
        examinee.load(training.last.weights)
        examinee.stage(match.test_examples, embed_once=plan.features_only)
        started = now()
        answers = examinee.answer(questions, lambda count: match.listener.tested(plan, count))
        outcome = replace(outcome, answers=Answers(questions, tuple(answers)), test_s=now() - started)
        curve = []
        few = questions.first(max(1, len(questions) // CURVE_PART))
        for commit in training.earlier_than_last:
            examinee.load(commit.weights)
            curve.append((commit.at_s, Answers(few, tuple(examinee.answer(few)))))
        return replace(outcome, curve=tuple(curve))
    except RunError as failure:
        # What ended meta-training says more than what testing its remains has met.
        return replace(outcome, failure=outcome.failure or failure)


def _audit(match: Match, last: Commit, outcome: Outcome, process: ContestantProcess) -> Outcome:
    """Audit the answers of the last commit; then count what the contestant computes."""
    assert outcome.answers is not None
    match.listener.phase_started(match.plan, "audit")
    try:
        examinee = Examinee(process, match.assignment, match.plan.budget)
        examinee.load(last.weights)
        examinee.stage(match.test_examples, embed_once=False)
        findings = audit(examinee, match.questions, outcome.answers.shown, match.plan.precision)
    except RunError as failure:
        return replace(outcome, failure=outcome.failure or failure)
    # It knows nothing that is secret, and is of no more use.
    compute = measure_compute(examinee, match.questions, match.dataset.pools["meta_train"])
    return replace(outcome, findings=findings, compute=compute)


def _with_peaks(outcome: Outcome, *processes: ContestantProcess) -> Outcome:
    """The outcome with the most memory that it or any of some processes has seen in use."""
    on_gpus = (outcome.peak_device_mib, *(one.peak_device_mib for one in processes))
    return replace(
        outcome,
        peak_mib=max(outcome.peak_mib, *(one.peak_mib for one in processes)),
        peak_device_mib=max((one for one in on_gpus if one is not None), default=None),
    )


def _isolation(processes: Sequence[ContestantProcess]) -> frozenset[str]:
    """What was out of the reach of all processes that have stopped, but for those that never ran a plugin."""
    told = [one.isolation for one in processes if one.isolation is not None]
    return frozenset.intersection(*told) if told else frozenset()


def address_of(entrant: Entrant) -> PluginAddress:
    """What a contestant is told of one of its plugins."""
    search_path, model = entrant.plugin.search_path, entrant.plugin.model
    return PluginAddress(
        target=entrant.plugin.target,
        search_path=None if search_path is None else copied_to(search_path),
        options=dict(entrant.options),
        model=None if model is None else str(model),
    )
