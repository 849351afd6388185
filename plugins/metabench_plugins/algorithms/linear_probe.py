"""Linear probe: logistic regression on features of a backbone that is taken as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from metabench.api import Algorithm, Episodes, Inputs, option

if TYPE_CHECKING:
    from metabench.api import Session

_MOST_ITERATIONS = 200
# Of a slope; of a change, at which float64 begins to round.
_TOLERANCE_GRADIENT, _TOLERANCE_CHANGE = 1e-7, 1e-14


class LinearProbe(Algorithm):
    """Fit a logistic regression to the features of each support, and meta-train nothing. Tian et al. 2020.

    It shows what features are good for as they come: on a pretrained backbone it is the baseline to beat, on
    first weights a floor as `centroid` is. They are scaled to length 1, so that one penalty suits all.

    Source: Tian et al., "Rethinking Few-Shot Image Classification: A Good Embedding Is All You Need?", ECCV
    2020.

    Differs from the paper: the backbone is not trained on meta_train first, as that of `baseline` is, nor
    distilled; the penalty is a tenth of the authors' one; the support is not augmented. With far smaller
    penalties and hundreds of examples, 200 iterations end before the minimum.

    Expected: omniglot-5w1s, conv4: 49.61 % [48.80, 50.42], by `metabench evaluate linear-probe --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores: what its first weights are good for. clinc150-10w1s, bilstm:
    53.57 % [53.02, 54.12], by `metabench evaluate linear-probe --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    l2: float = option(0.1, "factor of half the squared weights, beside the sum of the losses", at_least=1e-6)
    # Of meta-training, which there is not.
    outer_lr = 0.0
    meta_batch = 1
    train_n_way = train_n_shot = train_n_query = 0
    clip_norm = 0.0

    def meta_train(self, session: Session) -> None:
        """Learn nothing."""
        session.commit()

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries, which nothing minimises."""
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """Fit each support set, then answer its queries: logits (n_episodes, n_query_total, n_way)."""
        return torch.stack([self._solve(episode) for episode in episodes])

    def _solve(self, episode: Episodes) -> Tensor:
        """Logits of one episode's queries, (n_query_total, n_way)."""
        support, query = _directions(episode.support), _directions(episode.query)
        weight, bias = logistic_regression(support, episode.support_labels[0], episode.n_way, l2=self.l2)
        return query @ weight + bias


def logistic_regression(features: Tensor, labels: Tensor, n_way: int, *, l2: float) -> tuple[Tensor, Tensor]:
    """Minimise Σᵢ cross-entropy(xᵢ W + b, yᵢ) + ½ l2 ‖W‖² by L-BFGS; the bias is not penalised.

    Args:
        features: (n, n_features), float64.
        labels: (n,), int64 in 0 … n_way − 1.
        n_way: Classes.
        l2: Factor of the penalty, above 0, which makes the minimum unique.

    Returns:
        W, (n_features, n_way), and b, (n_way,).
    """
    weight = features.new_zeros(features.shape[1], n_way, requires_grad=True)
    bias = features.new_zeros(n_way, requires_grad=True)
    optimiser = torch.optim.LBFGS(
        [weight, bias],
        max_iter=_MOST_ITERATIONS,
        tolerance_grad=_TOLERANCE_GRADIENT,
        tolerance_change=_TOLERANCE_CHANGE,
        line_search_fn="strong_wolfe",
    )

    def objective() -> Tensor:
        optimiser.zero_grad()
        fit = functional.cross_entropy(features @ weight + bias, labels, reduction="sum")
        total = fit + 0.5 * l2 * weight.square().sum()
        torch.autograd.backward(total)
        return total

    with torch.enable_grad():
        optimiser.step(objective)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def _directions(features: Inputs) -> Tensor:
    """Features (1, n, n_features) of one episode → (n, n_features) of length 1, in float64."""
    assert isinstance(features, Tensor)
    return functional.normalize(features[0].detach().double(), dim=1)
