"""Meta-SGD: MAML that learns a step size for every weight, too."""

from __future__ import annotations

import torch
from torch import nn

from metabench.api import Episodes, option
from metabench_plugins.algorithms._adaptation import AdaptedClassifier, Weights, descend, step_size


class MetaSGD(AdaptedClassifier):
    """Adapt all weights in one step whose size and sign are learned for each of them. Li et al. 2017.

    Initial weights θ and step sizes α, one per weight, are learned together (algorithm 1). A step size may
    become negative.

    Source: Li et al., "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", arXiv 2017.

    Differs from the paper: step sizes begin alike, at 0.1 on images and at 2 on texts, where it draws them
    at random; two episodes a step and three queries per class, as suits short budgets; Adam's learning rate
    decays, and the norm of its gradient is bounded; BatchNorm takes its statistics from the support set
    alone.

    Expected: omniglot-5w1s, conv4: 95.34 % [94.92, 95.76], by `metabench evaluate meta-sgd --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 99.53). clinc150-10w1s, bilstm: 56.43 %
    [55.71, 57.15], by `metabench evaluate meta-sgd --benchmark clinc150-10w1s --budget 5m`.
    """

    inner_lr: float = option(
        0.0, "step size of every weight before meta-training; 0: 0.1 on images, 2 on texts", at_least=0
    )

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_query: int = option(3, "query examples per class; 0: as in the benchmark", at_least=0)
    meta_batch: int = option(2, "episodes per optimiser step", at_least=1)
    clip_norm: float = option(10.0, "largest norm of the gradient; 0: any", at_least=0)

    def setup(self) -> None:
        """Give each weight of the classifier a step size."""
        super().setup()
        start = self.initial_weights.values()
        rate = step_size(self.inner_lr, self.backbone.modality)
        self.step_sizes = nn.ParameterList(torch.full_like(one, rate) for one in start)

    def adapt(self, episode: Episodes, *, training: bool) -> Weights:
        """θ − α ∘ ∇L(θ), the inner step of algorithm 1."""
        weights = self.initial_weights
        rates = dict(zip(weights, self.step_sizes, strict=True))
        return descend(weights, self.support_loss(episode), rate=rates, steps=1, second_order=training)
