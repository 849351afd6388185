"""A classifier whose weights are adapted to each support set: what MAML and its kin share."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from metabench.api import Algorithm, Episodes, Inputs, statistics_from_first
from metabench.api.episodes import join_inputs, map_inputs
from metabench_plugins.algorithms._labels import spread_labels

Weights = dict[str, Tensor]
Loss = Callable[[Weights], Tensor]

# Of a gradient step on a support set. Features of texts by `bilstm`, the default, are maxima over small
# states: with the step of images they hardly move in an episode.
_INNER_LR = {"image": 0.1, "text": 2.0}
# Chosen on meta_val of clinc150-10w1s, where little is learned from a single step, however large.
_INNER_STEPS = {"image": 1, "text": 5}


class AdaptedClassifier(Algorithm):
    """A linear classifier on a backbone; a subclass says in `adapt` how a support set changes its weights.

    BatchNorm takes its statistics from the support set alone, in every pass, so that each query is
    answered by itself. Episodes of a batch are adapted one after the other: on CPUs that is as fast as or
    faster than `vmap` over them.
    """

    parts: ClassVar[tuple[str, ...]] = ("backbone.", "head.")

    def setup(self) -> None:
        """Put a linear classifier on the backbone."""
        self.train_n_way = ways_to_train(self)
        self.head = nn.Linear(self.backbone.n_features, max(self.most_way, self.train_n_way))

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs (n, …) → logits (n, most ways that an episode can have)."""
        logits: Tensor = self.head(self.backbone(inputs))
        return logits

    def seen(self, episodes: Episodes) -> Episodes:
        """The episodes as they are, but that those of meta-training make use of every output."""
        return episodes if episodes.query_labels is None else spread_labels(episodes, self.most_way)

    @property
    def initial_weights(self) -> Weights:
        """Where adaptation starts: trainable weights of backbone and head, by name. Frozen ones stay."""
        named = self.named_parameters()
        return {name: one for name, one in named if one.requires_grad and name.startswith(self.parts)}

    @abstractmethod
    def adapt(self, episode: Episodes, *, training: bool) -> Weights:
        """Adapt the weights to one support set; the module's own stay as they are.

        Args:
            episode: One, whose `support_loss` is for adaptation to lower.
            training: Whether meta-training differentiates what comes out. Gradients may be disabled.

        Returns:
            The adapted weights, under the names of `initial_weights`.
        """

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries after adaptation, averaged over episodes."""
        losses = [
            functional.cross_entropy(self.solve(episode, training=True), episode.targets[0])
            for episode in episodes
        ]
        return torch.stack(losses).mean()

    def predict(self, episodes: Episodes) -> Tensor:
        """Adapt to each support set, then answer its queries: logits (n_episodes, n_query_total, n_way)."""
        return torch.stack([self.solve(episode, training=False).detach() for episode in episodes])

    def solve(self, episode: Episodes, *, training: bool) -> Tensor:
        """Logits of one episode's queries after adaptation, (n_query_total, n_way)."""
        return self.query_logits(self.adapt(episode, training=training), episode)

    def support_loss(self, episode: Episodes) -> Loss:
        """How any weights do on the support set of one episode."""
        support, labels = alone(episode.support), episode.support_labels[0]
        return partial(self.example_loss, inputs=support, labels=labels, n_way=episode.n_way)

    def example_loss(self, weights: Weights, inputs: Inputs, labels: Tensor, n_way: int) -> Tensor:
        """Cross-entropy of examples (n, …) with labels (n,), which give BatchNorm's statistics themselves."""
        logits = self.logits(weights, inputs, n_way, n_statistics=len(labels))
        return functional.cross_entropy(logits, labels)

    def query_logits(self, weights: Weights, episode: Episodes) -> Tensor:
        """Logits of one episode's queries under given weights, (n_query_total, n_way)."""
        # The support goes along, since the statistics of BatchNorm are its own.
        both = join_inputs(alone(episode.support), alone(episode.query), dim=0)
        return self.logits(weights, both, episode.n_way, n_statistics=episode.n_support)[episode.n_support :]

    def logits(self, weights: Weights, inputs: Inputs, n_way: int, *, n_statistics: int) -> Tensor:
        """Logits under given weights; the first `n_statistics` examples give the statistics of BatchNorm.

        Args:
            weights: As `adapt` gives them.
            inputs: (n, …) examples.
            n_way: Classes of the episode.
            n_statistics: A number of examples.

        Returns:
            (n, n_way).
        """
        with statistics_from_first(self, n_statistics):
            logits: Tensor = functional_call(self, weights, (inputs,))
        return logits[:, :n_way]


def ways_to_train(learner: Algorithm) -> int:
    """Classes per meta-training episode, 0 as in the benchmark; where ways vary, the most of any episode."""
    told = learner.train_n_way
    return max(told, learner.most_way) if learner.most_way > learner.n_way else told


def step_size(told: float, modality: str) -> float:
    """The size of an inner step: what is told or, for 0, what suits examples of a modality."""
    return told or _INNER_LR[modality]


def step_count(told: int, modality: str) -> int:
    """How many inner steps: what is told or, for 0, what suits examples of a modality."""
    return told or _INNER_STEPS[modality]


def descend(
    weights: Weights, loss: Loss, *, rate: float | Mapping[str, Tensor], steps: int, second_order: bool
) -> Weights:
    """Take gradient steps on a loss.

    Args:
        weights: Where to start.
        loss: What to descend.
        rate: Step size, of all weights or of each by name.
        steps: How many.
        second_order: Whether what comes out is differentiated through the gradients, too. If not, they
            are constants.

    Returns:
        The weights after the steps; those given stay as they are.
    """
    rates = rate if isinstance(rate, Mapping) else dict.fromkeys(weights, rate)
    with torch.enable_grad():
        for _ in range(steps):
            gradients = torch.autograd.grad(loss(weights), list(weights.values()), create_graph=second_order)
            weights = {
                name: weight - rates[name] * gradient
                for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
            }
    return weights


def alone(inputs: Inputs) -> Inputs:
    """Inputs (1, n, …) of a batch of one episode → (n, …)."""
    return map_inputs(lambda tensor: tensor[0], inputs)
