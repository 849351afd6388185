"""Ask some of a run's episodes again, of a fresh contestant with the weights that were kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.referee.outcome import Answers
from metabench.referee.testing import Examinee

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from metabench.referee.run import Match


def replay(match: Match, weights: NDArray[np.uint8], numbers: Sequence[int]) -> list[NDArray[np.float32]]:
    """Answer some episodes, each alone.

    Args:
        match: The run.
        weights: The state to answer with.
        numbers: Of the episodes in the benchmark's order.

    Returns:
        Logits of each episode in canonical order, (n_query_total, n_way).

    Raises:
        RunError: The contestant fails at what it is asked.
    """
    questions = match.questions.only(numbers)
    with match.contestant("test") as process:
        examinee = Examinee(process, match.assignment, match.plan.budget)
        examinee.load(weights)
        examinee.stage(match.test_examples, embed_once=match.plan.features_only)
        return list(Answers(questions, tuple(examinee.answer(questions))).logits)
