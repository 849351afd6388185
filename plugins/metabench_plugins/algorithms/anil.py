"""ANIL: MAML whose inner loop changes the last layer alone."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, Inputs, option
from metabench_plugins.algorithms._adaptation import Weights, descend, step_size, ways_to_train
from metabench_plugins.algorithms._labels import spread_labels


class ANIL(Algorithm):
    """Adapt the last layer to the support set, and train features for that. Raghu et al. 2020, section 4.

    As the features of an example do not change inside an episode ("almost no inner loop"), each is
    computed once, and the last layers of all episodes are adapted at the same time.

    Source: Raghu et al., "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML",
    ICLR 2020.

    Differs from the paper: BatchNorm takes its statistics from the whole meta-batch while training, and the
    running ones in testing, where the paper's code normalises queries by each other; as many inner steps in
    testing as in training; inner steps of 0.1 on all images and of 2 on all texts; Adam with cosine decay,
    and one number of queries and of episodes a step for all benchmarks, as suits short budgets.

    Expected: omniglot-5w1s, conv4: 91.23 % [90.50, 91.96], by `metabench evaluate anil --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores; clinc150-10w1s, bilstm: 61.00 % [60.30, 61.70], by `metabench
    evaluate anil --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    inner_lr: float = option(0.0, "step size inside an episode; 0: 0.1 on images, 2 on texts", at_least=0)
    inner_steps: int = option(5, "gradient steps inside an episode", at_least=1)
    second_order: bool = option(True, "differentiate through the inner steps")

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)
    meta_batch: int = option(4, "episodes per optimiser step", at_least=1)

    def setup(self) -> None:
        """Make the last layer."""
        self.train_n_way = ways_to_train(self)
        self.head = nn.Linear(self.backbone.n_features, max(self.most_way, self.train_n_way))

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries after adaptation."""
        episodes = spread_labels(episodes, self.most_way)
        logits = self._solve(episodes, second_order=self.second_order)
        return functional.cross_entropy(logits.flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        """Adapt to each support set, then answer its queries: logits (n_episodes, n_query_total, n_way)."""
        return self._solve(episodes, second_order=False).detach()

    def _solve(self, episodes: Episodes, *, second_order: bool) -> Tensor:
        heads = descend(
            self._heads(len(episodes), episodes.n_way),
            partial(_support_loss, episodes=episodes),
            rate=step_size(self.inner_lr, self.backbone.modality),
            steps=self.inner_steps,
            second_order=second_order,
        )
        return _logits(heads, episodes.query)

    def _heads(self, n_episodes: int, n_way: int) -> Weights:
        """A last layer for each episode, all alike."""
        with torch.enable_grad():
            return {
                "weight": self.head.weight[:n_way].expand(n_episodes, -1, -1),
                "bias": self.head.bias[:n_way].expand(n_episodes, -1),
            }


def _support_loss(heads: Weights, episodes: Episodes) -> Tensor:
    """Sum over episodes, so that the gradient of each head is that of its own episode."""
    logits, labels = _logits(heads, episodes.support), episodes.support_labels
    total = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    return total / episodes.n_support


def _logits(heads: Weights, features: Inputs) -> Tensor:
    """Features (n_episodes, n_examples, n_features) → logits (n_episodes, n_examples, n_way)."""
    assert isinstance(features, Tensor)
    return torch.baddbmm(heads["bias"][:, None], features, heads["weight"].mT)
