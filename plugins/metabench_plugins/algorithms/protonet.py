"""Prototypical Networks: classify by the nearest class mean in a learned space."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option

# Of a squared distance: below it, the slope of the square root is taken to be 0.
_SMALLEST = 1e-12


class ProtoNet(Algorithm):
    """Classify a query by its squared distance to the mean of each class. Snell et al. 2017.

    Plain Euclidean distances and the cosine similarities of its Figure 2 are options.

    Source: Snell et al., "Prototypical Networks for Few-shot Learning", NeurIPS 2017.

    Differs from the paper: 30 classes in a meta-training episode where the paper has 60 (its Table 1), as
    more episodes then fit into a short budget; a learning rate of 0.005 with cosine decay where it has 0.001,
    halved every 2,000 episodes; cosine similarities are multiplied, as a softmax of numbers in −1 … 1 can
    hardly be sure of anything (Gidaris and Komodakis 2018, section 3.1, who learn the factor).

    Expected: omniglot-5w1s, conv4: 97.98 % [97.69, 98.28], by `metabench evaluate protonet --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 98.8, Table 1); clinc150-10w1s, bilstm:
    65.54 % [64.90, 66.17], by `metabench evaluate protonet --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    distance: str = option(
        "squared-euclidean",
        "how far a query is from a prototype",
        choices=("squared-euclidean", "euclidean", "cosine"),
    )
    cosine_scale: float = option(10.0, "factor of cosine similarities, for distance=cosine", at_least=1e-6)

    outer_lr: float = option(
        5e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_way: int = option(30, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries, equation 2 and algorithm 1."""
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """Negative distances to the prototypes (equations 1 and 2), or scaled similarities.

        Returns:
            Logits, (n_episodes, n_query_total, n_way).
        """
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        prototypes = class_means(episodes.support, episodes.support_labels, episodes.n_way)
        if self.distance == "cosine":
            return self.cosine_scale * cosine_similarities(episodes.query, prototypes)
        squared = squared_distances(episodes.query, prototypes)
        return -squared.clamp_min(_SMALLEST).sqrt() if self.distance == "euclidean" else -squared


def class_means(features: Tensor, labels: Tensor, n_way: int) -> Tensor:
    """Average the features of each class (equation 1).

    Args:
        features: (n_episodes, n_support, n_features), float.
        labels: (n_episodes, n_support), int64 in 0 … n_way − 1.
        n_way: Classes per episode.

    Returns:
        (n_episodes, n_way, n_features).
    """
    members = functional.one_hot(labels, n_way).to(features.dtype)
    return torch.einsum("esw,esf->ewf", members, features) / members.sum(1)[..., None]


def squared_distances(queries: Tensor, prototypes: Tensor) -> Tensor:
    """Squared Euclidean distances of every query to every prototype.

    Args:
        queries: (n_episodes, n_query_total, n_features).
        prototypes: (n_episodes, n_way, n_features).

    Returns:
        (n_episodes, n_query_total, n_way).
    """
    # Written out: products of norms would lose the digits by which near prototypes differ.
    return (queries[:, :, None] - prototypes[:, None]).square().sum(-1)


def cosine_similarities(queries: Tensor, others: Tensor) -> Tensor:
    """Cosines of the angles between every query and every other vector; 0 where one is zero.

    Args:
        queries: (n_episodes, n_query_total, n_features).
        others: (n_episodes, n_others, n_features).

    Returns:
        (n_episodes, n_query_total, n_others), in −1 … 1.
    """
    return functional.normalize(queries, dim=2) @ functional.normalize(others, dim=2).mT
