"""Reptile: move the initial weights towards those that training on an episode ends at."""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from metabench.api import Episodes, Session, option
from metabench.api.episodes import join_inputs, map_inputs
from metabench_plugins.algorithms._adaptation import AdaptedClassifier, Loss, Weights, alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Reptile(AdaptedClassifier):
    """Train on episodes, and go part of the way to where training ends. Nichol et al. 2018, algorithm 2.

    The inner optimiser is the paper's, Adam without momentum (section 6). Meta-training knows no support
    and no queries: an episode is a pool of labelled examples.

    Source: Nichol et al., "On First-Order Meta-Learning Algorithms", arXiv 2018.

    Differs from the paper: an inner learning rate of 0.01 where it has, for Omniglot with 5 classes, 0.001, a
    first outer step of 0.2 where it has 1, and 10 steps in testing, each on the whole support set, where it
    has 50, as suits short budgets; each episode has a new Adam, where the authors' code carries its second
    moments over; the last minibatch of a turn through an episode's examples may be smaller. BatchNorm
    normalises queries by the statistics of the support set, where the paper puts each query alone beside it.
    `reptile-transductive` normalises queries by each other.

    Expected: omniglot-5w1s, conv4: 87.79 % [87.17, 88.42], by `metabench evaluate reptile --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 95.39). clinc150-10w1s, bilstm: 66.13 %
    [65.53, 66.73], by `metabench evaluate reptile --benchmark clinc150-10w1s --budget 5m`.
    """

    inner_lr: float = option(0.01, "learning rate of Adam inside an episode", at_least=0)
    inner_steps: int = option(5, "steps inside an episode of meta-training", at_least=1)
    inner_shot: int = option(2, "examples in a minibatch of such a step, per class", at_least=1)
    test_steps: int = option(10, "steps on a support set in testing", at_least=1)

    outer_lr: float = option(
        0.2, "part of the way to the trained weights, falling linearly to 0", at_least=0, at_most=1
    )
    meta_batch: int = option(5, "episodes per step of the initial weights", at_least=1)
    train_n_query: int = option(
        9, "examples per class besides `train_n_shot`; 0: as in the benchmark", at_least=0
    )
    # There is no outer gradient.
    clip_norm = 0.0

    def adapt(self, episode: Episodes, *, training: bool) -> Weights:  # noqa: ARG002 - nothing is differentiated
        """Train on the whole support set."""
        return self._train_copy([self.support_loss(episode)] * self.test_steps)

    def meta_train(self, session: Session) -> None:
        """Train on a few episodes and step towards the mean of the ends, until the budget is spent."""
        for _ in session.steps():
            self.train()
            # Of what is spent before these episodes: the last ones of a budget in episodes count, too.
            step = self.outer_lr * (1 - session.progress)
            episodes = session.episodes(
                self.meta_batch, n_way=self.train_n_way, n_shot=self.train_n_shot, n_query=self.train_n_query
            )
            ends = [self._train_copy(self._minibatch_losses(episode)) for episode in self.seen(episodes)]
            self._step_towards(ends, step)

    def _minibatch_losses(self, episode: Episodes) -> Iterator[Loss]:
        """The losses that the inner steps descend, each of a minibatch of the episode's examples."""
        pool = join_inputs(alone(episode.support), alone(episode.query), dim=0)
        labels = torch.cat([episode.support_labels[0], episode.targets[0]])
        size = len(set(labels.tolist())) * self.inner_shot
        for rows in islice(_minibatches(labels, size), self.inner_steps):
            examples = map_inputs(partial(torch.index_select, dim=0, index=rows), pool)
            yield partial(self.example_loss, inputs=examples, labels=labels[rows], n_way=episode.n_way)

    def _train_copy(self, losses: Iterable[Loss]) -> Weights:
        """Train a copy of the initial weights, one step on each loss."""
        start = self.initial_weights.items()
        weights = {name: one.detach().clone().requires_grad_() for name, one in start}
        optimiser = torch.optim.Adam(weights.values(), lr=self.inner_lr, betas=(0.0, 0.999))
        with torch.enable_grad():
            for loss in losses:
                optimiser.zero_grad()
                torch.autograd.backward(loss(weights))
                optimiser.step()
        return {name: one.detach() for name, one in weights.items()}

    @torch.no_grad()
    def _step_towards(self, ends: list[Weights], step: float) -> None:
        """φ ← φ + ε · mean(φ̃ − φ), where φ̃ are the weights at the ends (algorithm 2)."""
        for name, weight in self.initial_weights.items():
            weight.lerp_(torch.stack([end[name] for end in ends]).mean(0), step)


def _minibatches(labels: Tensor, size: int) -> Iterator[Tensor]:
    """Rows of minibatches without end: the examples in one random order after another."""
    while True:
        yield from torch.split(torch.randperm(len(labels), device=labels.device), size)
