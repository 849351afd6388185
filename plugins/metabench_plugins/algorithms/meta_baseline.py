"""Meta-Baseline: a classifier of meta_train, then meta-trained to tell classes by cosine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option
from metabench_plugins.algorithms._pretraining import Pretraining, pretrain
from metabench_plugins.algorithms.protonet import class_means, cosine_similarities

if TYPE_CHECKING:
    from metabench.api import Session


class MetaBaseline(Algorithm):
    """Pre-train a classifier, then meta-train for the nearest class mean by cosine. Chen et al. 2021.

    Both stages share the budget. What is committed in the first one is the paper's Classifier-Baseline.

    Source: Chen et al., "Meta-Baseline: Exploring Simple Meta-Learning for Few-Shot Learning", ICCV 2021.

    Differs from the paper: Adam with cosine decay in both stages where it has SGD, after a
    warm-up in the first; one episode a step and five queries per class where it has 4 and 15; images are not
    augmented.

    Expected: omniglot-5w1s, conv4: 94.49 % [94.05, 94.93], by `metabench evaluate meta-baseline --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. That is worse than `baseline`, which pre-trains for all of
    the budget, paired on the same episodes: −2.62 [−2.98, −2.26], `metabench compare`. clinc150-10w1s,
    bilstm: 61.88 % [61.19, 62.57], by `metabench evaluate meta-baseline --benchmark clinc150-10w1s --budget
    5m`. There it is better than `baseline`: +0.75 [+0.36, +1.13].
    """

    features_only = True

    pretraining_share: float = option(0.5, "part of the budget for pre-training", at_least=0, at_most=1)
    pretraining_lr: float = option(1e-2, "learning rate of Adam in pre-training after its rise", at_least=0)
    warm_up: float = option(0.2, "part of pre-training in which it rises", at_least=0, at_most=1)
    batch_size: int = option(128, "examples per optimiser step of pre-training", at_least=2)
    first_temperature: float = option(10.0, "τ before meta-training", at_least=1e-6)

    outer_lr: float = option(
        1e-3,
        "learning rate of Adam over episodes, times a cosine from 1 to 0 over the whole budget",
        at_least=0,
    )
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)

    def setup(self) -> None:
        """Make τ."""
        self.temperature = nn.Parameter(torch.tensor(self.first_temperature))

    def meta_train(self, session: Session) -> None:
        """Pre-train with the first part of the budget (section 3.2), then meta-train (section 3.3)."""
        classifier = nn.Linear(self.backbone.n_features, session.n_classes).to(session.device)
        how = Pretraining(
            self.pretraining_lr, self.batch_size, self.pretraining_share, self.warm_up, self.clip_norm
        )
        pretrain(self, classifier, session, how)
        super().meta_train(session)

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries."""
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """τ times the cosines of queries and class means (equations 1 and 3).

        Returns:
            (n_episodes, n_query_total, n_way).
        """
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        means = class_means(episodes.support, episodes.support_labels, episodes.n_way)
        return self.temperature * cosine_similarities(episodes.query, means)
