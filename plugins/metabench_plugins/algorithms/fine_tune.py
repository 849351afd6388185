"""Fine-tune: a classifier of meta_train, all of whose weights are adapted in each episode."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from metabench.api import Episodes, Inputs, option
from metabench.api.episodes import map_inputs
from metabench_plugins.algorithms._adaptation import Weights, descend
from metabench_plugins.algorithms._pretraining import PretrainedAlgorithm
from metabench_plugins.algorithms.protonet import class_means


class FineTune(PretrainedAlgorithm):
    """Train a classifier of all classes; in an episode, adapt all weights to it. Dhillon et al. 2020.

    The new last layer begins at the class means, each scaled to length 1 (section 3.1), and is trained along
    with the backbone. BatchNorm keeps the statistics of pre-training, so that each query is answered by
    itself. Episodes of a batch are adapted one after the other.

    Source: Dhillon et al., "A Baseline for Few-Shot Image Classification", ICLR 2020.

    Differs from the paper: the entropy of the queries, which is transductive, is left out; ten steps of
    gradient descent where it has 25 epochs of Adam at a far smaller rate; the new layer stands on the
    features where it stands on what the old layer gives, behind a ReLU and at length 1; in pre-training Adam
    with a warm-up and cosine decay, and neither augmented nor mixed images, nor smoothed labels.

    Expected: omniglot-5w1s, conv4: 97.03 % [96.68, 97.38], by `metabench evaluate fine-tune --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. clinc150-10w1s, bilstm: 59.98 % [59.34, 60.63], by `metabench
    evaluate fine-tune --benchmark clinc150-10w1s --budget 5m`. There it is worse than `baseline`, which
    leaves the features as they are, paired on the same episodes: −1.15 [−1.46, −0.84], `metabench compare`.
    """

    inner_lr: float = option(0.01, "step size in an episode", at_least=0)
    inner_steps: int = option(10, "gradient steps in an episode", at_least=0)

    def forward(self, inputs: Inputs) -> Tensor:
        """Inputs (n, …) → features (n, n_features)."""
        features: Tensor = self.backbone(inputs)
        return features

    def predict(self, episodes: Episodes) -> Tensor:
        """Adapt to each support set, then answer its queries: logits (n_episodes, n_query_total, n_way)."""
        return torch.stack([self._solve(episode).detach() for episode in episodes])

    def _solve(self, episode: Episodes) -> Tensor:
        """Logits of one episode's queries, (n_query_total, n_way)."""
        support, query = (map_inputs(lambda part: part[0], one) for one in (episode.support, episode.query))
        labels = episode.support_labels[0]
        weights = descend(
            self._first_weights(support, labels, episode.n_way),
            partial(self._support_loss, support=support, labels=labels),
            rate=self.inner_lr,
            steps=self.inner_steps,
            second_order=False,
        )
        return self._logits(weights, query)

    def _first_weights(self, support: Inputs, labels: Tensor, n_way: int) -> Weights:
        """Trainable weights of the backbone and, as "layer" and "bias", those of a new layer."""
        with torch.no_grad():
            features = self(support)
            # Features in bf16 get a layer in fp32, as weights are.
            features = features.to(torch.promote_types(features.dtype, torch.float32))
            layer = functional.normalize(class_means(features[None], labels[None], n_way)[0], dim=1)
        return {
            **{name: one for name, one in self.named_parameters() if one.requires_grad},
            "layer": layer.requires_grad_(),
            "bias": layer.new_zeros(n_way, requires_grad=True),
        }

    def _support_loss(self, weights: Weights, support: Inputs, labels: Tensor) -> Tensor:
        return functional.cross_entropy(self._logits(weights, support), labels)

    def _logits(self, weights: Weights, inputs: Inputs) -> Tensor:
        """Logits (n, n_way) under given weights."""
        backbone = {name: one for name, one in weights.items() if name not in {"layer", "bias"}}
        return functional.linear(
            functional_call(self, backbone, (inputs,)), weights["layer"], weights["bias"]
        )
