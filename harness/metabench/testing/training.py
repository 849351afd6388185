"""Short meta-trainings as a contestant has them, with what a check wants to know of them."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from metabench import clock
from metabench.api.session import BudgetSpentError, Session
from metabench.clock import now
from metabench.contestant.arithmetic import arithmetic
from metabench.contestant.state import to_bytes
from metabench.contestant.training_episodes import check_training_episodes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    from metabench.api.algorithm import Algorithm
    from metabench.api.episodes import Episodes, Inputs
    from metabench.api.session import Allowance, Spent
    from metabench.spec.plan import Precision
    from metabench.testing.toy import ToyProblem

SEED = 0
TICK_S = 0.01
_VALIDATION_EPISODES = 2
# Draws after the end of a budget by which a method shows that it does not heed it.
_MOST_LATE_DRAWS = 100


@dataclass(frozen=True)
class Training:
    """A learner that has been meta-trained.

    Attributes:
        learner: In its last state.
        committed: That state, as it was committed.
        first_commit_s: When the first commit came, seconds from the start.
        spent: What the session has counted.
        n_parameters: Parameters that are to be trained.
        untouched: Names of those that are as they were before.
        is_overrun: It was ended, as it went on drawing after its budget.
    """

    learner: Algorithm
    committed: NDArray[np.uint8]
    first_commit_s: float
    spent: Spent
    n_parameters: int
    untouched: tuple[str, ...]
    is_overrun: bool


class OverrunError(BaseException):
    """A method goes on drawing after its budget; it is not to catch this with what it catches otherwise."""


class BriefSession(Session):
    """A session that validates on few episodes and ends a method that does not end by itself."""

    _n_late = 0

    def validate(self, n_episodes: int = 0) -> float:
        """As ever, on two episodes."""
        return super().validate(min(n_episodes or _VALIDATION_EPISODES, _VALIDATION_EPISODES))

    def episodes(self, count: int, *, n_way: int = 0, n_shot: int = 0, n_query: int = 0) -> Episodes:
        """As ever, but not for ever."""
        self._end_if_late()
        return super().episodes(count, n_way=n_way, n_shot=n_shot, n_query=n_query)

    def minibatch(self, size: int) -> tuple[Inputs, Tensor]:
        """As ever, but not for ever."""
        self._end_if_late()
        return super().minibatch(size)

    def _end_if_late(self) -> None:
        self._n_late += self.progress >= 1
        if self._n_late > _MOST_LATE_DRAWS:
            raise OverrunError


class Ledger:
    """Keeps commits as a referee does."""

    def __init__(self) -> None:
        self._started = now()
        self.times_s: list[float] = []
        self.weights = np.zeros(0, np.uint8)

    def commit(self, learner: Algorithm) -> None:
        """Keep a state, and when it came."""
        self.weights = to_bytes(learner)
        self.times_s.append(now() - self._started)

    def report(self, spent: Spent) -> None:
        """Keep nothing of it."""


def train(
    learner: Algorithm, problem: ToyProblem, allowance: Allowance, precision: Precision = "fp32"
) -> Training:
    """Meta-train a learner as its contestant would.

    Raises:
        Exception: Whatever the method raises.
    """
    check_training_episodes(learner, problem.meta_train)
    ledger = Ledger()
    pools = (problem.meta_train, problem.meta_val)
    session = BriefSession(learner, pools, allowance, ledger, seed=SEED, device=torch.device("cpu"))
    before = {name: one.detach().clone() for name, one in learner.named_parameters() if one.requires_grad}
    is_overrun = False
    try:
        with (
            suppress(BudgetSpentError),
            session.counting_steps(),
            arithmetic("cpu", precision),
        ):
            learner.meta_train(session)
    except OverrunError:
        is_overrun = True
    session.commit()
    return Training(
        learner=learner,
        committed=ledger.weights,
        first_commit_s=ledger.times_s[0],
        spent=session.spent,
        n_parameters=len(before),
        untouched=tuple(
            name for name, one in learner.named_parameters() if name in before and one.equal(before[name])
        ),
        is_overrun=is_overrun,
    )


@contextmanager
def ticking_clock() -> Iterator[None]:
    """Within the block the clock goes on by a hundredth of a second whenever somebody reads it.

    So a budget in seconds ends at the same step on every machine, however busy it is.
    """
    before, ticks = clock.read, iter(range(1 << 62))
    clock.read = lambda: TICK_S * next(ticks)
    try:
        yield
    finally:
        clock.read = before
