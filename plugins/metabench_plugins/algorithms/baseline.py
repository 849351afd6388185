"""Baseline: a classifier of meta_train whose last layer is replaced in each episode."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._adaptation import Weights, descend
from metabench_plugins.algorithms._pretraining import PretrainedAlgorithm
from metabench_plugins.algorithms.protonet import class_means


class Baseline(PretrainedAlgorithm):
    """Train a classifier of all classes; in an episode, train a new last layer alone. Chen et al. 2019.

    Features are frozen in an episode (section 3.1), so each is computed once, and the new layers of all
    episodes are trained at the same time.

    Source: Chen et al., "A Closer Look at Few-shot Classification", ICLR 2019.

    Differs from the paper: gradient descent on the whole support set where it has SGD with momentum on
    minibatches of 4; the new layer begins at zero where it begins at random, so that answers are the same
    each time; the penalty leaves out its bias; Adam with a warm-up to 0.01 and cosine decay, and minibatches
    of 128, in pre-training, where it has a fixed 0.001 and 16; images are not augmented.

    Expected: omniglot-5w1s, conv4: 97.12 % [96.78, 97.45], by `metabench evaluate baseline --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. clinc150-10w1s, bilstm: 61.13 % [60.47, 61.80], by `metabench
    evaluate baseline --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    inner_lr: float = option(0.01, "step size in an episode", at_least=0)
    inner_steps: int = option(100, "gradient steps in an episode", at_least=1)
    inner_decay: float = option(1e-3, "factor of half the squared weights, in an episode", at_least=0)

    def predict(self, episodes: Episodes) -> Tensor:
        """Train new last layers on the supports, then answer: logits (n_episodes, n_query_total, n_way)."""
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        support, labels = episodes.support.double(), episodes.support_labels
        layers = descend(
            self.first_layers(class_means(support, labels, episodes.n_way)),
            partial(self.support_loss, support=support, labels=labels),
            rate=self.inner_lr,
            steps=self.inner_steps,
            second_order=False,
        )
        return self.logits(layers, episodes.query.double()).detach()

    def first_layers(self, means: Tensor) -> Weights:
        """New last layers before their training.

        Args:
            means: Of the classes of the support, (n_episodes, n_way, n_features).

        Returns:
            A layer for each episode: weight, (n_episodes, n_way, n_features), and bias, (n_episodes, n_way).
        """
        return {
            "weight": means.new_zeros(means.shape, requires_grad=True),
            "bias": means.new_zeros(means.shape[:2], requires_grad=True),
        }

    def logits(self, layers: Weights, features: Tensor) -> Tensor:
        """Features (n_episodes, n_examples, n_features) → logits (n_episodes, n_examples, n_way)."""
        return torch.baddbmm(layers["bias"][:, None], features, layers["weight"].mT)

    def support_loss(self, layers: Weights, support: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy and penalty, summed over episodes: each layer's gradient is of its own episode.

        Args:
            layers: As of `first_layers`.
            support: (n_episodes, n_support, n_features).
            labels: (n_episodes, n_support), int64 in 0 … n_way − 1.
        """
        logits = self.logits(layers, support)
        total = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
        return total / labels.shape[1] + 0.5 * self.inner_decay * layers["weight"].square().sum()
