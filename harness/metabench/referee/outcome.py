"""What the referee finds out in one run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from metabench.wire.reports import Progress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from metabench.referee.compute import Compute
    from metabench.referee.disguise import Questions

Status = Literal[
    "ok",
    "timeout",
    "out_of_memory",
    "crashed",
    "invalid_output",
    "protocol_violation",
    "plugin_error",
    "data_unavailable",
    "harness_error",
    "cancelled",
]
Blame = Literal["nobody", "method", "infrastructure", "user"]
Phase = Literal["start", "meta-training", "test", "audit"]
Verdict = Literal["inductive", "transductive", "stateful", "not audited"]

BLAME: dict[Status, Blame] = {
    "ok": "nobody",
    "timeout": "method",
    "out_of_memory": "method",
    "crashed": "method",
    "invalid_output": "method",
    "protocol_violation": "method",
    "plugin_error": "method",
    "data_unavailable": "infrastructure",
    "harness_error": "infrastructure",
    "cancelled": "user",
}


@dataclass(frozen=True)
class Ending:
    """How a contestant process ended.

    Attributes:
        exit_code: Its exit code; None if a signal or the referee ended it.
        signal: Name of the signal that ended it, e.g. "SIGSEGV".
        stderr_tail: The last that it printed.
    """

    exit_code: int | None
    signal: str | None
    stderr_tail: str


class RunError(Exception):
    """A phase of a run has failed.

    Attributes:
        status: What the record will say.
        message: One line: what happened, what was expected; without a full stop at its end.
        phase: Where.
        ending: How the process ended; known once it has stopped.
    """

    def __init__(self, status: Status, message: str, phase: Phase) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.phase = phase
        self.ending: Ending | None = None


@dataclass(frozen=True)
class Findings:
    """What the audit found; differences are relative to the spread of an episode's logits.

    Attributes:
        verdict: What they mean.
        n_episodes: Episodes that were replayed.
        noise_floor: Between a query alone and the same query repeated.
        from_company: Between a query alone and among others.
        from_history: Between an episode in the run and in the replay.
    """

    verdict: Verdict
    n_episodes: int
    noise_floor: float
    from_company: float
    from_history: float


NOT_AUDITED = Findings("not audited", n_episodes=0, noise_floor=0.0, from_company=0.0, from_history=0.0)


@dataclass(frozen=True)
class Answers:
    """What a contestant answered.

    Attributes:
        questions: What it was asked.
        shown: Logits of each batch as it gave them, (n_episodes, n_query_total, n_way).
    """

    questions: Questions
    shown: tuple[NDArray[np.float32], ...]

    @property
    def logits(self) -> tuple[NDArray[np.float32], ...]:
        """(n_query_total, n_way) of each episode, in canonical order."""
        pairs = zip(self.questions.batches, self.shown, strict=True)
        return tuple(one for batch, logits in pairs for one in batch.reveal(logits))


@dataclass(frozen=True)
class Outcome:
    """One run, as the referee saw it.

    Attributes:
        failure: Why it is not "ok"; None if it is.
        startup_s: Seconds until the contestant was ready; not charged.
        meta_training_s: Seconds charged.
        test_s: Seconds that the meta_test episodes took.
        processor_s: Processor time of meta-training, on all cores, seconds.
        peak_mib: The most memory in use in any phase, MiB.
        peak_device_mib: The most memory of GPUs in use in any phase, MiB; None: not measured.
        progress: The contestant's last report.
        weights: The state that was tested; None if nothing was committed.
        answers: To all meta_test episodes; None if testing failed.
        curve: Seconds of meta-training → answers to the first episodes, for earlier commits.
        findings: Of the audit.
        isolation: What was out of the reach of all its contestants, see `sandbox.isolate`.
        compute: What was computed; None where that could not be asked.
    """

    failure: RunError | None
    startup_s: float
    meta_training_s: float
    test_s: float
    processor_s: float
    peak_mib: float
    peak_device_mib: float | None
    progress: Progress
    weights: NDArray[np.uint8] | None
    answers: Answers | None
    curve: tuple[tuple[float, Answers], ...]
    findings: Findings
    isolation: frozenset[str]
    compute: Compute | None

    @classmethod
    def of_nothing(cls, failure: RunError) -> Outcome:
        """The outcome of a run that did not come to anything."""
        return cls(
            failure=failure,
            startup_s=0.0,
            meta_training_s=0.0,
            test_s=0.0,
            processor_s=0.0,
            peak_mib=0.0,
            peak_device_mib=None,
            progress=Progress(fraction=0, steps=0, episodes=0, examples=0, validation=None),
            weights=None,
            answers=None,
            curve=(),
            findings=NOT_AUDITED,
            isolation=frozenset(),
            compute=None,
        )

    @property
    def status(self) -> Status:
        """The status for the record."""
        return "ok" if self.failure is None else self.failure.status
