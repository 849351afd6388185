"""Meta-training: draw, learn, commit, until the budget is spent."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import torch

from metabench.api.session import Allowance, LabelledPool, Session
from metabench.contestant.build import build_learner
from metabench.contestant.state import to_bytes
from metabench.wire.message import Message
from metabench.wire.reports import Progress, say

if TYPE_CHECKING:
    from metabench.api.algorithm import Algorithm
    from metabench.api.session import Spent
    from metabench.wire.channel import Channel
    from metabench.wire.message import Arrays
    from metabench.wire.reports import Assignment


class RefereeLink:
    """How a session's commits and reports reach the referee."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def commit(self, learner: Algorithm) -> None:
        """Send the learner's state."""
        self._channel.send(Message("commit", arrays={"weights": to_bytes(learner)}))

    def report(self, spent: Spent) -> None:
        """Send what has been spent."""
        self._channel.send(say("progress", Progress(**asdict(spent))))


def train(channel: Channel, assignment: Assignment, arrays: Arrays) -> None:
    """Meta-train a learner; the clock runs from the referee's "go"."""
    learner = build_learner(assignment)
    device = torch.device(assignment.device)
    pools = (_pool(arrays, "meta_train"), _pool(arrays, "meta_val"))
    channel.send(Message("ready"))
    channel.receive()
    allowance = Allowance(assignment.seconds, assignment.episodes)
    session = Session(learner, pools, allowance, RefereeLink(channel), seed=assignment.seed, device=device)
    with torch.autocast(device.type, torch.bfloat16, enabled=assignment.precision == "bf16"):
        learner.meta_train(session)
    if session.has_news:
        session.commit()
    channel.send(Message("done"))


def _pool(arrays: Arrays, split: str) -> LabelledPool:
    return LabelledPool(torch.from_numpy(arrays[f"{split}.examples"]), arrays[f"{split}.starts"])
