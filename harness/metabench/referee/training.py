"""Meta-training under the referee's clock."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from metabench.clock import now
from metabench.referee.outcome import RunError
from metabench.referee.process import ContestantProcess
from metabench.spec.budget import COMMIT_FRACTIONS
from metabench.wire.message import Message, WireError
from metabench.wire.reports import Assignment, Progress, hear, say

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.dataset import Dataset
    from metabench.data.recipe import Split
    from metabench.spec.budget import Budget

# What a contestant gets beyond its deadline to end by itself; it can change nothing any more.
GRACE_S = 2.0
# However many reports a contestant sends, whoever listens is told so often.
TELL_EVERY_S = 0.1
_LEARNED_FROM: tuple[Split, ...] = ("meta_train", "meta_val")


@dataclass(frozen=True)
class Commit:
    """A state that the referee holds.

    Attributes:
        at_s: Seconds after the start of meta-training at which it was there.
        weights: Serialised; the referee does not look into it.
    """

    at_s: float
    weights: NDArray[np.uint8]


@dataclass
class Training:
    """What meta-training has given so far.

    Attributes:
        startup_s: Seconds until the contestant was ready; not charged.
        spent_s: Seconds charged.
        processor_s: Processor time charged, on all cores, seconds.
        last: The newest commit in time.
        earlier: The first commit at or after each fraction of the budget that the curve shows.
        progress: The contestant's last report.
        failure: Why it ended before its time, if it did.
        peak_mib: The most memory in use, MiB.
        peak_device_mib: The most memory of GPUs in use, MiB; None: not measured.
    """

    startup_s: float = 0.0
    spent_s: float = 0.0
    processor_s: float = 0.0
    last: Commit | None = None
    earlier: dict[float, Commit] = field(default_factory=dict)
    progress: Progress = field(
        default_factory=lambda: Progress(fraction=0, steps=0, episodes=0, examples=0, validation=None)
    )
    failure: RunError | None = None
    peak_mib: float = 0.0
    peak_device_mib: float | None = None

    @property
    def earlier_than_last(self) -> list[Commit]:
        """The commits of the curve before the last one, oldest first."""
        return [commit for commit in self.earlier.values() if commit is not self.last]

    def take(self, commit: Commit, fraction: float) -> None:
        """Hold a commit.

        Args:
            commit: In time.
            fraction: Part of the budget that was spent by then.
        """
        self.last = commit
        passed = [one for one in COMMIT_FRACTIONS if one <= fraction]
        if passed:
            self.earlier.setdefault(passed[-1], commit)


def meta_train(
    process: ContestantProcess,
    assignment: Assignment,
    dataset: Dataset,
    budget: Budget,
    on_progress: Callable[[Progress], None],
) -> Training:
    """Let a contestant meta-train until it is done or its budget is spent.

    A failure is part of what is returned: what was committed before it counts all the same.
    """
    training = Training()
    asked = now()
    started = None
    try:
        limit_s = process.limits.startup_s
        process.send(_with_data(assignment, dataset), within_s=limit_s)
        process.expect("ready", within_s=limit_s, doing="starting (imports, building, staging data)")
        training.startup_s = now() - asked
        process.phase = "meta-training"
        process.charge()
        process.send(Message("go"))
        started = now()
        _listen(process, training, budget, on_progress)
    except RunError as error:
        training.failure = error
    if started is not None:
        training.spent_s = min(now() - started, budget.ceiling_s)
    process.stop()
    training.processor_s = process.processor_s
    training.peak_mib = process.peak_mib
    training.peak_device_mib = process.peak_device_mib
    return training


def _listen(
    process: ContestantProcess, training: Training, budget: Budget, on_progress: Callable[[Progress], None]
) -> None:
    """Take commits until the deadline.

    Raises:
        RunError: The contestant failed, broke the protocol, or went on beyond its grace.
    """
    started = now()
    tell_at = started
    while True:
        elapsed = now() - started
        try:
            message = process.receive(within_s=max(0.0, budget.ceiling_s + GRACE_S - elapsed))
        except TimeoutError as error:
            raise process.failed(
                "timeout",
                f"goes on {GRACE_S:g} s after its {budget.ceiling_s:g} s; it was expected to end by itself",
            ) from error
        elapsed = now() - started
        if message.kind == "done":
            return
        if message.kind == "progress":
            training.progress = _hear_progress(process, message)
            if now() >= tell_at:
                on_progress(training.progress)
                tell_at = now() + TELL_EVERY_S
        elif message.kind == "commit":
            commit = Commit(elapsed, _hear_commit(process, message))
            if elapsed <= budget.ceiling_s:
                # A contestant counts its episodes itself; its time it does not.
                by_clock = None if budget.seconds is None else elapsed / budget.seconds
                training.take(commit, training.progress.fraction if by_clock is None else by_clock)
        else:
            raise process.failed("protocol_violation", f"sends {message.kind[:40]!r} while it meta-trains")


def _hear_progress(process: ContestantProcess, message: Message) -> Progress:
    try:
        return hear(message, Progress)
    except WireError as error:
        raise process.failed("protocol_violation", f"sends {error}") from error


def _hear_commit(process: ContestantProcess, message: Message) -> NDArray[np.uint8]:
    weights = message.arrays.get("weights")
    if weights is None or len(message.arrays) > 1 or weights.dtype != "uint8" or weights.ndim != 1:
        raise process.failed("protocol_violation", "sends a commit that is not one state, as bytes")
    return weights


def _with_data(assignment: Assignment, dataset: Dataset) -> Message:
    """The assignment with the splits that a contestant may learn from; meta_test stays here."""
    arrays: dict[str, NDArray[Any]] = {}
    for split in _LEARNED_FROM:
        pool = dataset.pools[split]
        arrays |= {f"{split}.examples": pool.numbers, f"{split}.starts": pool.starts}
    return replace(say("assignment", assignment), arrays=arrays)
