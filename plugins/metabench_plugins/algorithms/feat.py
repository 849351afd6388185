"""FEAT: prototypes that are adapted to each other by self-attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option
from metabench_plugins.algorithms.protonet import class_means, squared_distances


class FEAT(Algorithm):
    """Let the prototypes of an episode attend to each other before queries are compared. Ye et al. 2020.

    Source: Ye et al., "Few-Shot Learning via Embedding Adaptation with Set-to-Set Functions", CVPR 2020.

    Differs from the paper: the backbone is trained along from its first weights where the paper trains it as
    a classifier first; values start at 0, so that training starts as that of `protonet`; no dropout, no layer
    normalisation, and no layer behind the values; distances are not divided by a temperature; 30 classes in a
    meta-training episode; Adam with cosine decay; images are not augmented.

    Expected: omniglot-5w1s, conv4: 97.60 % [97.28, 97.92], by `metabench evaluate feat --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. Within this budget it is worse than `protonet`, paired on the
    same episodes: −0.38 [−0.58, −0.18], `metabench compare`. clinc150-10w1s, bilstm: 64.55 % [63.88, 65.22],
    by `metabench evaluate feat --benchmark clinc150-10w1s --budget 5m`: there, too, it is worse than
    `protonet`, by 0.98 [0.54, 1.43].
    """

    features_only = True

    contrast: float = option(0.1, "weight of the contrastive objective", at_least=0)

    outer_lr: float = option(
        5e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_way: int = option(30, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)

    def setup(self) -> None:
        """Make the projections of the self-attention."""
        width = self.backbone.n_features
        self.to_queries, self.to_keys, self.to_values = (nn.Linear(width, width, bias=False) for _ in "qkv")
        nn.init.zeros_(self.to_values.weight)

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries, and the contrastive objective (section 4.3)."""
        targets = episodes.targets.flatten()
        loss = functional.cross_entropy(self.predict(episodes).flatten(0, 1), targets)
        if not self.contrast:
            return loss
        contrast = functional.cross_entropy(self.contrasted(episodes).flatten(0, 1), targets)
        return loss + self.contrast * contrast

    def predict(self, episodes: Episodes) -> Tensor:
        """Negative squared distances to the adapted prototypes, (n_episodes, n_query_total, n_way)."""
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        prototypes = class_means(episodes.support, episodes.support_labels, episodes.n_way)
        return -squared_distances(episodes.query, self.adapted(prototypes))

    def adapted(self, features: Tensor, mask: Tensor | None = None) -> Tensor:
        """Add to each vector what it attends to among all (section 4.2, "Transformer").

        Args:
            features: (n_episodes, n, n_features).
            mask: (n_episodes, n, n), true where the first may attend to the second; None: everywhere.

        Returns:
            (n_episodes, n, n_features).
        """
        return features + functional.scaled_dot_product_attention(
            self.to_queries(features), self.to_keys(features), self.to_values(features), attn_mask=mask
        )

    def contrasted(self, episodes: Episodes) -> Tensor:
        """Compare queries with class centres, where each class is adapted by itself (section 4.3).

        Support and labelled queries of a class make a set, which is adapted like a set of prototypes.

        Returns:
            Logits, (n_episodes, n_query_total, n_way).
        """
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        labels = torch.cat([episodes.support_labels, episodes.targets], dim=1)
        mask = labels[:, :, None] == labels[:, None]
        adapted = self.adapted(torch.cat([episodes.support, episodes.query], dim=1), mask)
        centres = class_means(adapted, labels, episodes.n_way)
        return -squared_distances(adapted[:, episodes.n_support :], centres)
