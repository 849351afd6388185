"""Testing: ask a fresh contestant the meta_test episodes, and check the shape of what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from metabench.referee.process import ContestantProcess
from metabench.wire.message import Message, WireError
from metabench.wire.reports import Assignment, Counted, hear, say

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from metabench.referee.disguise import Batch, Questions
    from metabench.spec.budget import Budget
    from metabench.wire.message import Arrays

# Counting slows down whatever is counted, and a step of meta-training has no limit of its own.
COUNTING_LIMIT_S = 120.0


class Examinee:
    """A contestant process in the test role.

    Args:
        process: Started.
        assignment: Of the run; the role is changed to testing.
        budget: For the seconds that an episode may take.

    Raises:
        RunError: It fails to start or takes too long.
    """

    def __init__(self, process: ContestantProcess, assignment: Assignment, budget: Budget) -> None:
        self._process = process
        self._budget = budget
        testing = assignment.model_copy(update={"role": "test"})
        self._prepare(say("assignment", testing), "starting to test")

    def load(self, weights: NDArray[np.uint8]) -> None:
        """Give it a committed state.

        Raises:
            RunError: It cannot load it.
        """
        self._prepare(Message("weights", arrays={"weights": weights}), "loading its weights")

    def stage(self, examples: NDArray[np.uint8] | NDArray[np.int64], *, embed_once: bool) -> None:
        """Give it the examples that questions name.

        Args:
            examples: (n_shown, …).
            embed_once: It may keep an example's features from one episode to the next.

        Raises:
            RunError: It does not take them.
        """
        message = Message("examples", {"embed_once": embed_once}, {"examples": examples})
        self._prepare(message, "taking the test examples")
        self._process.charge()

    def _prepare(self, message: Message, doing: str) -> None:
        """Send what is not on the clock, and wait until it has been taken."""
        limit_s = self._process.limits.startup_s
        self._process.send(message, within_s=limit_s)
        self._process.expect("ready", within_s=limit_s, doing=doing)

    def answer(
        self, questions: Questions, on_answered: Callable[[int], None] | None = None
    ) -> list[NDArray[np.float32]]:
        """Ask all episodes of some questions.

        Args:
            questions: The episodes.
            on_answered: Called with the number of episodes answered so far.

        Returns:
            Logits of each batch as the contestant sees them, (n_episodes, n_query_total, n_way).

        Raises:
            RunError: It fails, is too slow, or answers with something else.
        """
        answers: list[NDArray[np.float32]] = []
        n_answered = 0
        for batch in questions.batches:
            answers.append(self.ask(batch.support, batch.support_labels, batch.query, n_way=batch.n_way))
            n_answered += len(batch)
            if on_answered is not None:
                on_answered(n_answered)
        return answers

    def ask(
        self,
        support: NDArray[np.int64],
        support_labels: NDArray[np.int64],
        query: NDArray[np.int64],
        *,
        n_way: int,
    ) -> NDArray[np.float32]:
        """Ask a batch of episodes in one message.

        Args:
            support: (n_episodes, n_support) numbers of staged examples.
            support_labels: (n_episodes, n_support).
            query: (n_episodes, n_query).
            n_way: Classes per episode.

        Returns:
            Logits (n_episodes, n_query, n_way), all finite.

        Raises:
            RunError: It fails, is too slow, or answers with something else.
        """
        arrays = {"support": support, "support_labels": support_labels, "query": query}
        self._process.send(Message("episodes", {"n_way": n_way}, arrays))
        limit_s = self._budget.adaptation_s * len(support)
        answer = self._process.expect(
            "predictions", within_s=limit_s, doing=f"answering {len(support)} episodes"
        )
        return _checked(self._process, answer, (*query.shape, n_way))

    def count(self, batch: Batch) -> Counted:
        """Have it answer a batch of episodes off the clock, and count what it computes.

        Raises:
            RunError: It fails, or takes too long.
        """
        arrays = {"support": batch.support, "support_labels": batch.support_labels, "query": batch.query}
        return self._counted(Message("count", {"n_way": batch.n_way}, arrays))

    def rehearse(self, arrays: Arrays) -> Counted:
        """Have it take a few steps of meta-training off the clock, and count what it computes.

        Args:
            arrays: Of some classes of meta_train: `examples` and `starts`, as pools have them.

        Raises:
            RunError: It fails, or takes too long.
        """
        return self._counted(Message("rehearse", arrays=arrays))

    def _counted(self, message: Message) -> Counted:
        self._process.send(message)
        answer = self._process.expect("counted", within_s=COUNTING_LIMIT_S, doing="counting operations")
        try:
            return hear(answer, Counted)
        except WireError as error:
            raise self._process.failed("protocol_violation", f"sends {error}") from error


def _checked(process: ContestantProcess, answer: Message, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The logits of an answer.

    Raises:
        RunError: Not of this shape, or not all finite.
    """
    logits = answer.arrays.get("logits")
    if logits is None or logits.dtype != np.float32 or logits.shape != shape:
        got = "no logits" if logits is None else f"predictions of shape {logits.shape}"
        raise process.failed(
            "invalid_output", f"gives {got}; expected {shape} (n_episodes, n_query_total, n_way)"
        )
    if not np.isfinite(logits).all():
        n_bad = int((~np.isfinite(logits)).sum())
        raise process.failed(
            "invalid_output", f"gives {n_bad} predictions of {logits.size} that are not finite"
        )
    return cast("NDArray[np.float32]", logits)
