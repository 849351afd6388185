"""Baseline++: Baseline with a classifier by cosine similarity."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import option
from metabench_plugins.algorithms._adaptation import Weights
from metabench_plugins.algorithms.baseline import Baseline
from metabench_plugins.algorithms.protonet import cosine_similarities


class BaselinePlusPlus(Baseline):
    """Train classifiers by cosine, of all classes and then of an episode's. Chen et al. 2019, section 3.2.

    Source: Chen et al., "A Closer Look at Few-shot Classification", ICLR 2019.

    Differs from the paper: as `baseline` does, but that the class vectors of an episode begin at the means of
    the classes, at length 1, since zero has no angle; nothing is penalised; cosines are multiplied by 10
    before the softmax; pre-training has a rate of 0.02; steps in an episode have the size 0.1 where the paper
    has 0.01.

    Expected: omniglot-5w1s, conv4: 94.89 % [94.46, 95.32], by `metabench evaluate baseline++ --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. That is worse than `baseline`, paired on the same episodes:
    −2.22 [−2.58, −1.87], `metabench compare`. clinc150-10w1s, bilstm: 58.02 % [57.30, 58.74], by `metabench
    evaluate baseline++ --benchmark clinc150-10w1s --budget 5m`.
    """

    scale: float = option(10.0, "factor of the cosines under the softmax", at_least=1e-6)
    outer_lr: float = option(
        2e-2, "learning rate of Adam after its rise, decayed to 0 by a cosine", at_least=0
    )
    inner_lr: float = option(0.1, "step size in an episode", at_least=0)
    inner_decay = 0.0

    def classifier(self, n_classes: int) -> nn.Module:
        """Class vectors for pre-training."""
        return CosineClassifier(self.backbone.n_features, n_classes, self.scale)

    def first_layers(self, means: Tensor) -> Weights:
        """Class vectors before their training, (n_episodes, n_way, n_features)."""
        return {"weight": functional.normalize(means, dim=2).requires_grad_()}

    def logits(self, layers: Weights, features: Tensor) -> Tensor:
        """Scaled cosines of each example and class, (n_episodes, n_examples, n_way)."""
        return self.scale * cosine_similarities(features, layers["weight"])


class CosineClassifier(nn.Module):
    """One vector per class; a logit is the scaled cosine of its angle with the features."""

    def __init__(self, n_features: int, n_classes: int, scale: float) -> None:
        super().__init__()
        self.scale = scale
        # Of length 1 or so: the longer a vector, the slower its angle changes.
        self.vectors = nn.Parameter(torch.randn(n_classes, n_features) / math.sqrt(n_features))

    def forward(self, features: Tensor) -> Tensor:
        """Features (n, n_features) → logits (n, n_classes)."""
        return self.scale * functional.normalize(features) @ functional.normalize(self.vectors).mT
