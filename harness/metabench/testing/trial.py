"""What is checked: an algorithm on a backbone, built and meta-trained on a toy problem."""

from __future__ import annotations

import random
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from metabench.api.session import Allowance
from metabench.contestant.build import make_learner, prepare_arithmetic
from metabench.spec.toy import N_QUERY
from metabench.testing.toy import toy_problem
from metabench.testing.training import SEED, Training, train
from metabench.wire.reports import Assignment, PluginAddress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from metabench.api.algorithm import Algorithm
    from metabench.api.backbone import Backbone
    from metabench.api.episodes import Episodes
    from metabench.spec.plan import Precision
    from metabench.spec.protocol import Protocol

# Ways up to which every algorithm is asked, whatever it is built for.
MOST_WAY = 20
# Enough for a trace in every weight that learns.
_EPISODES = 12


@dataclass(frozen=True)
class Subject:
    """An algorithm on a backbone.

    Attributes:
        name: That of the backbone.
        algorithm: Its class.
        backbone: Its class.
        told: Where the two come from, and the options that they get.
        protocol: The ways and shots that it is built for.
    """

    name: str
    algorithm: type[Algorithm]
    backbone: type[Backbone]
    told: tuple[PluginAddress, PluginAddress]
    protocol: Protocol


class Trial:
    """A subject at its toy problem.

    Attributes:
        subject: Who is tried.
        protocol: What it is built for.
        problem: What it is tried at.
        most_episodes: Meta-training episodes within which it must learn.
    """

    def __init__(self, subject: Subject, most_episodes: int) -> None:
        self.subject = subject
        self.protocol = subject.protocol
        self.problem = toy_problem(subject.backbone.modality)
        self.most_episodes = most_episodes

    @cached_property
    def training(self) -> Training:
        """A short meta-training for what it is built for; most checks look at the learner that it gives."""
        return self.train(Allowance(None, _EPISODES))

    def build(self, protocol: Protocol | None = None) -> Algorithm:
        """A new learner, always the same.

        Args:
            protocol: What it is built for, and for nothing else; None: what the subject says, and more ways.
        """
        assignment = self._assignment(protocol)
        prepare_arithmetic(assignment)
        return make_learner(self.subject.algorithm, self.subject.backbone, assignment)

    def train(
        self, allowance: Allowance, protocol: Protocol | None = None, precision: Precision = "fp32"
    ) -> Training:
        """Build a learner, as `build` does, and meta-train it."""
        return train(self.build(protocol), self.problem, allowance, precision)

    def episodes(self, *, count: int = 2) -> Episodes:
        """Episodes of the kind that the subject is built for."""
        shots = (self.protocol.n_shot,) * self.protocol.n_way
        return self.problem.episodes(shots, n_query=N_QUERY, count=count)

    def answer(self, episodes: Episodes, learner: Algorithm | None = None) -> Tensor:
        """What a learner answers when random numbers begin anew; the trained one unless another is given."""
        learner = learner or self.training.learner
        prepare_arithmetic(self._assignment())
        return learner.answer(episodes)

    def _assignment(self, protocol: Protocol | None = None) -> Assignment:
        algorithm, backbone = self.subject.told
        asked = protocol or self.protocol
        return Assignment(
            role="train",
            algorithm=algorithm,
            backbone=backbone,
            most_way=asked.n_way if protocol else max(MOST_WAY, asked.n_way),
            n_way=asked.n_way,
            n_shot=asked.n_shot,
            n_query=asked.n_query,
            example_shape=self.problem.example_shape,
            n_tokens=self.problem.n_tokens,
            seed=SEED,
            device="cpu",
            device_memory_mib=None,
            precision="fp32",
            # Toy problems are too small to be shared; threads would wait for each other.
            n_threads=1,
            seconds=None,
            episodes=None,
        )


@contextmanager
def arithmetic_put_back() -> Iterator[None]:
    """After the block, threads, generators and choices of kernels are what they were before."""
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - plugins may use it
    n_threads = torch.get_num_threads()
    is_strict = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    try:
        with torch.random.fork_rng(devices=()):
            yield
    finally:
        torch.set_num_threads(n_threads)
        torch.use_deterministic_algorithms(is_strict, warn_only=warns)
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
