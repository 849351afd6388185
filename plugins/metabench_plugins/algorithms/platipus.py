"""PLATIPUS: MAML that samples where adaptation starts, from a distribution that the support set shifts."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._adaptation import (
    AdaptedClassifier,
    Loss,
    Weights,
    descend,
    step_count,
    step_size,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

Gaussians = dict[str, Normal]


class PLATIPUS(AdaptedClassifier):
    """Sample initial weights, adapt them, and learn what to sample from. Finn, Xu and Levine 2018.

    Meta-training (algorithm 1) maximises a lower bound of the likelihood of the queries: its samples come
    from a Gaussian q that has seen them, which is kept near the Gaussian p that testing (algorithm 2) has,
    by the divergence KL(q ‖ p). Both have learned variances, and means one gradient step away from learned
    weights, with learned step sizes.

    Source: Finn et al., "Probabilistic Model-Agnostic Meta-Learning", NeurIPS 2018.

    Differs from the paper: the bound is divided by the number of queries, which changes no optimum; each test
    episode gets the same random numbers, so that its answer is its own; the answer is the mean of the class
    probabilities of five samples; one inner step of 0.1 on images, five of 2 on texts, two episodes a step of
    Adam, and three queries per class, as suits short budgets; Adam's learning rate decays, and the norm of
    its gradient is bounded; BatchNorm takes its statistics from the support set alone, for q too.

    Expected: omniglot-5w1s, conv4: 89.07 % [88.43, 89.72], by `metabench evaluate platipus --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. Within this budget it is worse than `maml`, paired on the
    same episodes: −4.29 [−4.79, −3.80], `metabench compare`: an episode takes three times as long to
    learn from. clinc150-10w1s, bilstm: 63.94 % [63.31, 64.58], by `metabench evaluate platipus --benchmark
    clinc150-10w1s --budget 5m`.
    """

    inner_lr: float = option(0.0, "step size inside an episode; 0: 0.1 on images, 2 on texts", at_least=0)
    inner_steps: int = option(0, "gradient steps inside an episode; 0: 1 on images, 5 on texts", at_least=0)
    shift_lr: float = option(1e-3, "step sizes of the Gaussians' means before meta-training", at_least=0)
    spread: float = option(
        0.01, "standard deviations of the Gaussians before meta-training", at_least=1e-6, at_most=1
    )
    kl_weight: float = option(1.0, "factor of the divergence; 1: the bound itself", at_least=0)
    test_samples: int = option(5, "samples that are averaged in testing", at_least=1)

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_query: int = option(3, "query examples per class; 0: as in the benchmark", at_least=0)
    meta_batch: int = option(2, "episodes per optimiser step", at_least=1)
    clip_norm: float = option(10.0, "largest norm of the gradient; 0: any", at_least=0)

    def setup(self) -> None:
        """Add what the Gaussians have beside the initial weights, which are μ."""
        super().setup()
        shapes = [one.shape for one in self.initial_weights.values()]
        self.prior = GradientGaussian(shapes, self.shift_lr, self.spread)
        self.posterior = GradientGaussian(shapes, self.shift_lr, self.spread)

    def loss(self, episodes: Episodes) -> Tensor:
        """The bound that algorithm 1 minimises (line 11), per query and averaged over episodes."""
        return torch.stack([self._bound(episode) for episode in episodes]).mean()

    def predict(self, episodes: Episodes) -> Tensor:
        """Logarithms of the class probabilities, averaged over samples.

        Returns:
            (n_episodes, n_query_total, n_way).
        """
        return torch.stack([self._average(episode) for episode in episodes])

    def adapt(self, episode: Episodes, *, training: bool) -> Weights:
        """Sample where to start, and adapt that (algorithm 2)."""
        support_loss = self.support_loss(episode)
        prior = self.prior(self.initial_weights, support_loss, second_order=training)
        return self._adapt_sample(prior, support_loss, training=training)

    def _adapt_sample(self, start: Gaussians, support_loss: Loss, *, training: bool) -> Weights:
        with torch.enable_grad():
            sample = {name: one.rsample() for name, one in start.items()}
        modality = self.backbone.modality
        rate, steps = step_size(self.inner_lr, modality), step_count(self.inner_steps, modality)
        return descend(sample, support_loss, rate=rate, steps=steps, second_order=training)

    def _bound(self, episode: Episodes) -> Tensor:
        """Algorithm 1, lines 6 to 11, for one episode."""
        support_loss, weights = self.support_loss(episode), self.initial_weights

        def query_loss(weights: Weights) -> Tensor:
            return functional.cross_entropy(self.query_logits(weights, episode), episode.targets[0])

        posterior = self.posterior(weights, query_loss, second_order=True)
        prior = self.prior(weights, support_loss, second_order=True)
        adapted = self._adapt_sample(posterior, support_loss, training=True)
        return query_loss(adapted) + self.kl_weight * divergence(posterior, prior) / episode.targets.numel()

    def _average(self, episode: Episodes) -> Tensor:
        with _same_numbers(self.head.weight.device):
            samples = [self.solve(episode, training=False).detach() for _ in range(self.test_samples)]
        return torch.stack(samples).log_softmax(2).logsumexp(0) - math.log(self.test_samples)


class GradientGaussian(nn.Module):
    """A Gaussian of weights whose mean is a gradient step away from given ones.

    Args:
        shapes: Of the weights.
        rate: Step sizes γ before training.
        spread: Standard deviations before training.
    """

    def __init__(self, shapes: list[torch.Size], rate: float, spread: float) -> None:
        super().__init__()
        self.rates = nn.ParameterList(torch.full(shape, rate) for shape in shapes)
        self.log_stds = nn.ParameterList(torch.full(shape, math.log(spread)) for shape in shapes)

    def forward(self, weights: Weights, loss: Loss, *, second_order: bool) -> Gaussians:
        """N(μ − γ ∘ ∇L(μ), σ²) (algorithm 1, lines 7 and 10)."""
        rates = dict(zip(weights, self.rates, strict=True))
        means = descend(weights, loss, rate=rates, steps=1, second_order=second_order)
        stds = [one.exp() for one in self.log_stds]
        return {
            name: Normal(mean, std, validate_args=False)
            for (name, mean), std in zip(means.items(), stds, strict=True)
        }


def divergence(first: Gaussians, second: Gaussians) -> Tensor:
    """KL(first ‖ second), summed over all weights."""
    parts = [kl_divergence(first[name], second[name]).sum() for name in second]
    return torch.stack(parts).sum()


@contextmanager
def _same_numbers(device: torch.device) -> Iterator[None]:
    """Within the block draw the same random numbers each time: an answer is then its episode's own."""
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(0)
        yield
