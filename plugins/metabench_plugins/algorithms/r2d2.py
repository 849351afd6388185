"""R2-D2: ridge regression on learned features, solved in closed form and differentiated through."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option


class R2D2(Algorithm):
    """Fit the labels of the support by ridge regression, and train features for that. Bertinetto et al. 2019.

    With support features X and one-hot labels Y, W = Xᵀ (X Xᵀ + λI)⁻¹ Y, and queries X′ are answered by
    α X′ W + β (section 3.2). λ, α and β are learned with the backbone. β shifts all logits of a query alike,
    so that neither cross-entropy nor answers depend on it; it is there as in the paper.

    Source: Bertinetto et al., "Meta-learning with differentiable closed-form solvers", ICLR 2019.

    Differs from the paper: the backbone is that of other methods, where the paper's has wider layers and
    hands on the last two; 30 classes in a meta-training episode, of the benchmark's shots; Adam's learning
    rate follows a cosine.

    Expected: omniglot-5w1s, conv4: 97.25 % [96.91, 97.59], by `metabench evaluate r2d2 --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores; clinc150-10w1s, bilstm: 64.62 % [63.95, 65.30], by `metabench
    evaluate r2d2 --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    first_penalty: float = option(1.0, "λ before meta-training", at_least=1e-6)
    first_scale: float = option(10.0, "α before meta-training", at_least=1e-6)

    outer_lr: float = option(
        5e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_way: int = option(30, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)

    def setup(self) -> None:
        """Make λ, α and β."""
        # By its logarithm, so that it stays above 0.
        self.log_penalty = nn.Parameter(torch.tensor(math.log(self.first_penalty)))
        self.scale = nn.Parameter(torch.tensor(self.first_scale))
        self.bias = nn.Parameter(torch.tensor(0.0))

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries."""
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """α X′ W + β, with W from the support: logits (n_episodes, n_query_total, n_way)."""
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        targets = functional.one_hot(episodes.support_labels, episodes.n_way)
        weights = ridge_regression(episodes.support.double(), targets.double(), self.log_penalty.exp())
        return self.scale * (episodes.query.double() @ weights) + self.bias


def ridge_regression(inputs: Tensor, targets: Tensor, penalty: Tensor) -> Tensor:
    """Minimise ‖X W − Y‖² + λ ‖W‖² by the Woodbury identity: the system is as large as the support.

    Args:
        inputs: X, (n_episodes, n_support, n_features), float64.
        targets: Y, (n_episodes, n_support, n_way), float64.
        penalty: λ, a scalar above 0.

    Returns:
        W, (n_episodes, n_features, n_way).
    """
    identity = torch.eye(inputs.shape[1], dtype=inputs.dtype, device=inputs.device)
    solution: Tensor = torch.linalg.solve(inputs @ inputs.mT + penalty * identity, targets)
    return inputs.mT @ solution
