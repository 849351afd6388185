"""Count what a learner computes, in a rehearsal of meta-training and of testing that nothing comes of.

The learner's own process counts. A method that reaches into the harness there can distort its own counts,
but nothing else.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import torch

from metabench.api.session import Allowance, BudgetSpentError, Session
from metabench.contestant.arithmetic import arithmetic
from metabench.contestant.operations import OperationCounter
from metabench.wire.reports import MOST_OPERATORS, Counted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from metabench.api.algorithm import Algorithm
    from metabench.api.session import LabelledPool, Spent
    from metabench.wire.reports import Assignment

N_STEPS = 3
# A method that makes no steps, or slow ones, ends then.
LONGEST_S = 5.0


class Rehearsal(Session):
    """A session whose validations cost nothing: they are part of no step."""

    def validate(self, n_episodes: int = 0) -> float:  # noqa: ARG002 - whatever is asked for
        """Say that nothing was right."""
        return 0.0


class _Nowhere:
    def commit(self, learner: Algorithm) -> None:
        """Forget it."""

    def report(self, spent: Spent) -> None:
        """Forget it."""


def rehearse(learner: Algorithm, pool: LabelledPool, assignment: Assignment) -> Counted:
    """Count the operations of a few optimiser steps; the learner is of no use afterwards.

    Args:
        learner: In whatever state.
        pool: Some classes of meta_train.
        assignment: Of the run.
    """
    session = Rehearsal(
        learner,
        (pool, pool),
        Allowance(LONGEST_S, episodes=None, steps=N_STEPS),
        _Nowhere(),
        seed=assignment.seed,
        device=torch.device(assignment.device),
    )
    learner.train()
    with _counting(assignment) as counter, suppress(BudgetSpentError), session.counting_steps():
        learner.meta_train(session)
    return _counted(learner, counter, session.spent.steps)


def count(learner: Algorithm, answer: Callable[[], object], assignment: Assignment) -> Counted:
    """Count the operations of answering episodes.

    Args:
        learner: Who answers.
        answer: Makes it do so.
        assignment: Of the run.
    """
    with _counting(assignment) as counter:
        answer()
    return _counted(learner, counter, steps=0)


@contextmanager
def _counting(assignment: Assignment) -> Iterator[OperationCounter]:
    """Within the block PyTorch computes as in the run, and is counted."""
    device = torch.device(assignment.device).type
    with arithmetic(device, assignment.precision), OperationCounter() as counter:
        yield counter


def _counted(learner: Algorithm, counter: OperationCounter, steps: int) -> Counted:
    return Counted(
        operations=counter.total,
        steps=steps,
        parameters=sum(one.numel() for one in learner.parameters() if one.requires_grad),
        uncounted=tuple(sorted(counter.uncounted)[:MOST_OPERATORS]),
    )
