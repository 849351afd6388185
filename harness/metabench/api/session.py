"""A meta-training session: the data a method may learn from, and the budget it may spend."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as count_from
from typing import TYPE_CHECKING, Literal
from typing import Protocol as Interface

import numpy as np
import torch
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_post_hook

from metabench.api.episodes import Episodes, Inputs
from metabench.clock import now
from metabench.episodes.sampler import check_possible, draw
from metabench.episodes.stream import named_stream
from metabench.spec.budget import COMMIT_FRACTIONS
from metabench.spec.protocol import Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from metabench.api.algorithm import Algorithm
    from metabench.episodes.stream import Stream

REPORT_EVERY_S = 0.5
VALIDATION_EPISODES = 100
# Of a budget in time, the part that all validations together may take.
VALIDATION_SHARE = 0.05
_UNLIMITED = 1 << 62

_Split = Literal["meta_train", "meta_val"]


@dataclass(frozen=True)
class LabelledPool:
    """The examples of one class split, class by class.

    Attributes:
        examples: (n_examples, …), on the CPU.
        starts: (n_classes + 1,), int64; class c has the examples starts[c] … starts[c + 1] − 1.
    """

    examples: Tensor
    starts: NDArray[np.int64]

    @property
    def n_classes(self) -> int:
        """Number of classes."""
        return len(self.starts) - 1


@dataclass(frozen=True)
class Allowance:
    """What meta-training may spend; the first limit that is reached ends it.

    Attributes:
        seconds: Seconds from the start of the session.
        episodes: Meta-training episodes.
        steps: Optimiser steps, after which nothing more can be drawn either, for a rehearsal.
    """

    seconds: float | None
    episodes: int | None
    steps: int | None = None


@dataclass(frozen=True)
class Spent:
    """What a session has spent so far.

    Attributes:
        fraction: Part of the budget, 0 … 1.
        steps: Steps of torch's optimisers, whatever loop makes them; without those of validations.
        episodes: Meta-training episodes drawn.
        examples: Examples drawn, in episodes and in minibatches.
        validation: The last accuracy on meta_val; None before the first.
    """

    fraction: float
    steps: int
    episodes: int
    examples: int
    validation: float | None


class BudgetSpentError(Exception):
    """Nothing more may be drawn; a method need not catch it, its state is committed all the same."""


class Link(Interface):
    """How a session reaches the referee."""

    def commit(self, learner: Algorithm) -> None:
        """Hand over the learner's state as it is now."""

    def report(self, spent: Spent) -> None:
        """Tell how far the session is."""


class Session:
    """Meta-training data, budget and commits; what `Algorithm.meta_train` is given.

    The clock runs from the session's start. What was committed when the budget ends is what is tested,
    so a method that has its own loop commits now and then; the default one does so at 1/16, 1/8, 1/4,
    1/2 and the end of its budget.

    Attributes:
        device: Where drawn tensors lie.
        n_classes: Classes of meta_train, which the labels of minibatches count.
    """

    def __init__(  # noqa: PLR0913 - made in one place, by name
        self,
        learner: Algorithm,
        pools: tuple[LabelledPool, LabelledPool],
        allowance: Allowance,
        link: Link,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.device = device
        self._learner = learner
        self._meta_train, self._meta_val = pools
        self._allowance = allowance
        self._link = link
        self._episode_stream = named_stream("meta_train", seed)
        self._minibatch_rng = torch.Generator().manual_seed(seed)
        self.n_classes = self._meta_train.n_classes
        self._started = self._reported = now()
        self._steps = self._episodes = self._examples = 0
        # Examples that came in minibatches.
        self._loose = 0
        self._validation: float | None = None
        self._possible: set[tuple[_Split, Protocol]] = set()
        self._slowest_step_s = self._slowest_commit_s = 0.0

    @property
    def progress(self) -> float:
        """Part of the budget that is spent, 0 … 1."""
        limits = self._allowance
        spent = (
            (self._episodes, limits.episodes),
            (now() - self._started, limits.seconds),
            (self._steps, limits.steps),
        )
        return min(1.0, max(amount / limit for amount, limit in spent if limit is not None))

    @property
    def spent(self) -> Spent:
        """What has been spent so far."""
        return Spent(self.progress, self._steps, self._episodes, self._examples, self._validation)

    def steps(self) -> Iterator[int]:
        """Count turns of a loop until the budget is spent, validating and committing on the way."""
        due = [fraction for fraction in COMMIT_FRACTIONS if fraction > self.progress]
        turns = count_from()
        while not self._is_over():
            before = now()
            yield next(turns)
            self._slowest_step_s = max(self._slowest_step_s, now() - before)
            if due and self.progress >= due[0]:
                due = [fraction for fraction in due if fraction > self.progress]
                self.commit()
                self.validate()
            self._report_now_and_then()
        self.commit()

    @contextmanager
    def counting_steps(self) -> Iterator[None]:
        """Within the block, every step of an optimiser of torch counts, whoever makes it."""
        hook = register_optimizer_step_post_hook(self._count_step)
        try:
            yield
        finally:
            hook.remove()

    def episodes(self, count: int, *, n_way: int = 0, n_shot: int = 0, n_query: int = 0) -> Episodes:
        """Draw labelled episodes of meta_train.

        Args:
            count: How many; fewer come where a budget in episodes has fewer left.
            n_way: Classes per episode, at most those there are; 0: as in the benchmark.
            n_shot: Support examples per class; 0: as in the benchmark.
            n_query: Query examples per class; 0: as in the benchmark.

        Returns:
            Episodes with query labels, inputs on `device`.

        Raises:
            BudgetSpentError: A budget in episodes has none left.
        """
        protocol = Protocol(
            min(n_way or self._learner.n_way, self.n_classes),
            n_shot or self._learner.n_shot,
            n_query or self._learner.n_query,
        )
        count = min(count, self._left())
        episodes = self._draw("meta_train", protocol, self._episode_stream, self._episodes, count)
        self._episodes += count
        self._examples += count * protocol.n_way * protocol.n_per_class
        return episodes

    def minibatch(self, size: int) -> tuple[Inputs, Tensor]:
        """Draw labelled examples of meta_train, with replacement.

        A budget in episodes counts minibatches as the episodes of the benchmark with as many examples.

        Args:
            size: How many examples; fewer come where a budget in episodes has fewer left.

        Returns:
            Inputs (size, …) and labels (size,) in 0 … n_classes − 1, on `device`.

        Raises:
            BudgetSpentError: A budget in episodes has none left.
        """
        per_episode = self._learner.n_way * (self._learner.n_shot + self._learner.n_query)
        # What earlier minibatches have left of the last episode that they were charged.
        paid = -self._loose % per_episode
        size = min(size, self._left() * per_episode + paid)
        starts = torch.from_numpy(self._meta_train.starts)
        index = torch.randint(int(starts[-1]), (size,), generator=self._minibatch_rng)
        self._examples += size
        self._loose += size
        self._episodes += max(0, -(-(size - paid) // per_episode))
        labels = torch.bucketize(index, starts, right=True) - 1
        return self._inputs(self._meta_train, index), labels.to(self.device)

    def validate(self, n_episodes: int = 0) -> float:
        """Accuracy over the same episodes of meta_val each time; it costs budget like all else.

        A budget in time limits how many episodes that are: all validations together take about a
        twentieth of it.

        Args:
            n_episodes: How many; 0: a hundred.
        """
        protocol = Protocol(self._learner.n_way, self._learner.n_shot, self._learner.n_query)
        protocol = Protocol(min(protocol.n_way, self._meta_val.n_classes), protocol.n_shot, protocol.n_query)
        stop = now() + VALIDATION_SHARE / len(COMMIT_FRACTIONS) * (self._allowance.seconds or float("inf"))
        stream = named_stream("meta_val")
        correct: list[float] = []
        steps = self._steps
        for index in range(n_episodes or VALIDATION_EPISODES):
            episodes = self._draw("meta_val", protocol, stream, index, 1)
            answers = self._learner.answer(episodes).argmax(-1)
            correct.append((answers == episodes.targets).float().mean().item())
            if now() >= stop:
                break
        # A method may adapt with an optimiser; in meta-training these are no steps.
        self._steps = steps
        self._validation = sum(correct) / len(correct)
        return self._validation

    def commit(self) -> None:
        """Hand the learner's state to the referee: from now on this is what is tested."""
        before = now()
        self._link.report(self.spent)
        self._link.commit(self._learner)
        self._slowest_commit_s = max(self._slowest_commit_s, now() - before)

    def _count_step(self, *_: object) -> None:
        self._steps += 1

    def _is_over(self) -> bool:
        """The budget is spent, or too little is left for another step and the last commit."""
        if self.progress >= 1:
            return True
        if self._allowance.seconds is None:
            return False
        left = self._allowance.seconds - (now() - self._started)
        return (
            left <= 1.5 * self._slowest_step_s + 3 * self._slowest_commit_s + 0.01 * self._allowance.seconds
        )

    def _report_now_and_then(self) -> None:
        if now() - self._reported >= REPORT_EVERY_S:
            self._link.report(self.spent)
            self._reported = now()

    def _left(self) -> int:
        """Episodes that may still be drawn.

        Raises:
            BudgetSpentError: None.
        """
        if self._allowance.steps is not None and self.progress >= 1:
            raise BudgetSpentError("the rehearsal is over")
        if self._allowance.episodes is None:
            return _UNLIMITED
        if self._episodes >= self._allowance.episodes:
            raise BudgetSpentError(f"all {self._allowance.episodes} episodes of the budget are drawn")
        return self._allowance.episodes - self._episodes

    def _draw(self, split: _Split, protocol: Protocol, stream: Stream, first: int, count: int) -> Episodes:
        pool = self._meta_train if split == "meta_train" else self._meta_val
        if (split, protocol) not in self._possible:
            names = tuple(f"number {index}" for index in range(pool.n_classes))
            check_possible(np.diff(pool.starts), names, protocol, split)
            self._possible.add((split, protocol))
        drawn = draw(pool.starts, protocol, stream, first=first, count=count)
        return Episodes(
            support=self._inputs(pool, torch.from_numpy(drawn.support)),
            support_labels=torch.from_numpy(drawn.support_labels).to(self.device),
            query=self._inputs(pool, torch.from_numpy(drawn.query)),
            query_labels=torch.from_numpy(drawn.query_labels).to(self.device),
            n_way=protocol.n_way,
        )

    def _inputs(self, pool: LabelledPool, index: Tensor) -> Inputs:
        return as_inputs(pool.examples[index], self.device)


def as_inputs(examples: Tensor, device: torch.device) -> Inputs:
    """Examples as they are stored → what backbones see.

    Args:
        examples: (…, channels, height, width) bytes of images, or (…, length) int64 token ids.
        device: Where the inputs shall lie.

    Returns:
        Images as floats in 0 … 1; texts as {"ids", "mask"}, the mask true where a token stands. Padding
        is not cut off: what a text gives must not depend on the length of others.
    """
    examples = examples.to(device, non_blocking=True)
    if examples.dtype == torch.uint8:
        return examples.float().div_(255)
    return {"ids": examples, "mask": examples != 0} if examples.dtype == torch.int64 else examples
