"""Meta-training: draw, learn, commit, until the budget is spent."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import torch

from metabench.api.session import Allowance, BudgetSpentError, LabelledPool, Session
from metabench.contestant.arithmetic import arithmetic
from metabench.contestant.build import build_learner
from metabench.contestant.state import to_bytes
from metabench.contestant.training_episodes import check_training_episodes
from metabench.wire.message import Message
from metabench.wire.reports import Progress, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metabench.api.algorithm import Algorithm
    from metabench.api.session import Spent
    from metabench.wire.channel import Channel
    from metabench.wire.message import Arrays
    from metabench.wire.reports import Assignment


class RefereeLink:
    """How a session's commits and reports reach the referee."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._committed: NDArray[np.uint8] | None = None

    def commit(self, learner: Algorithm) -> None:
        """Send the learner's state."""
        self._committed = to_bytes(learner)
        self._channel.send(Message("commit", arrays={"weights": self._committed}))

    def has_other_than(self, learner: Algorithm) -> bool:
        """The referee holds another state than the learner's, or none."""
        return self._committed is None or not np.array_equal(self._committed, to_bytes(learner))

    def report(self, spent: Spent) -> None:
        """Send what has been spent."""
        self._channel.send(say("progress", Progress(**asdict(spent))))


def train(channel: Channel, assignment: Assignment, arrays: Arrays) -> None:
    """Meta-train a learner; the clock runs from the referee's "go"."""
    learner = build_learner(assignment)
    device = torch.device(assignment.device)
    pools = (labelled_pool(arrays, "meta_train."), labelled_pool(arrays, "meta_val."))
    check_training_episodes(learner, pools[0])
    channel.send(Message("ready"))
    channel.receive()
    allowance = Allowance(assignment.seconds, assignment.episodes)
    link = RefereeLink(channel)
    session = Session(learner, pools, allowance, link, seed=assignment.seed, device=device)
    with (
        suppress(BudgetSpentError),
        session.counting_steps(),
        arithmetic(device.type, assignment.precision),
    ):
        learner.meta_train(session)
    if link.has_other_than(learner):
        session.commit()
    channel.send(Message("done"))


def labelled_pool(arrays: Arrays, prefix: str = "") -> LabelledPool:
    """The examples of some classes, from arrays whose names begin so."""
    return LabelledPool(torch.from_numpy(arrays[f"{prefix}examples"]), arrays[f"{prefix}starts"])
