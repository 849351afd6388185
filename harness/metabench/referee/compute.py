"""What a run computes, from a short rehearsal off the clock. Whatever happens there, the run stands."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

import numpy as np

from metabench.referee.audit import spread
from metabench.referee.outcome import RunError

if TYPE_CHECKING:
    from metabench.data.dataset import Pool
    from metabench.referee.disguise import Questions
    from metabench.referee.testing import Examinee
    from metabench.wire.message import Arrays
    from metabench.wire.reports import Counted

N_EPISODES = 4
# Of meta_train a rehearsal gets so much, in so many examples of each class or more.
_MOST_BYTES = 64 * 2**20
_FEWEST_EACH = 32


@dataclass(frozen=True)
class Compute:
    """Floating-point operations, as they are counted where they are made.

    Attributes:
        parameters: Numbers that meta-training can change; None: not known.
        per_training_step: Of one optimiser step, on average; None: there is none, or not known.
        per_test_episode: Of adapting to one meta_test episode and answering it, on average; None: not known.
        uncounted: Operators whose work is not in these.
        problem: Why something is not known; "" if all is.
    """

    parameters: int | None
    per_training_step: float | None
    per_test_episode: float | None
    uncounted: tuple[str, ...]
    problem: str


def measure_compute(examinee: Examinee, questions: Questions, pool: Pool) -> Compute:
    """Have a contestant answer a few episodes and take a few steps, counting.

    Args:
        examinee: With weights and examples; it is of no use afterwards.
        questions: The run's.
        pool: meta_train.
    """
    answered: list[Counted] = []
    trained, problem = None, ""
    try:
        few = questions.only(spread(len(questions), N_EPISODES))
        answered = [examinee.count(batch) for batch in few.batches]
        trained = examinee.rehearse(some_classes(pool))
    except RunError as failure:
        problem = f"{failure.status}: {failure.message}"
    counted = [*answered, *([] if trained is None else [trained])]
    return Compute(
        parameters=answered[0].parameters if answered else None,
        per_training_step=trained.operations / trained.steps
        if trained is not None and trained.steps
        else None,
        per_test_episode=fmean(one.operations for one in answered) if answered else None,
        uncounted=tuple(sorted({name for one in counted for name in one.uncounted})),
        problem=problem,
    )


def some_classes(pool: Pool) -> Arrays:
    """The first examples of each class, of all classes if that is not too much.

    Returns:
        `examples` and `starts`, as a pool has them.
    """
    most = _MOST_BYTES // max(1, pool.numbers[0].nbytes)
    each = np.minimum(pool.sizes, max(_FEWEST_EACH, most // len(pool.sizes)))
    each = each[: max(2, int((np.cumsum(each) <= most).sum()))]
    firsts = pool.starts[: len(each)]
    chosen = np.concatenate([np.arange(first, first + n) for first, n in zip(firsts, each, strict=True)])
    return {
        "examples": pool.numbers[chosen],
        "starts": np.concatenate([[0], np.cumsum(each)]).astype(np.int64),
    }
