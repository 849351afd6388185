"""SimpleShot: the nearest class mean among transformed features of an ordinary classifier."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._pretraining import PretrainedAlgorithm
from metabench_plugins.algorithms.protonet import class_means, squared_distances

# By modality of the examples, the transformation that is ahead on meta_val of omniglot and of clinc150.
_SUITS = {"image": "l2n", "text": "cl2n"}


class SimpleShot(PretrainedAlgorithm):
    """Train a classifier of all classes; then take the nearest class mean of its features. Wang et al. 2019.

    Features stay as they are ("un"), are scaled to length 1 ("l2n"), or are centred before that ("cl2n"):
    the paper's UN, L2N and CL2N. Unless told ("auto") images are scaled and texts are centred, too.

    Source: Wang et al., "SimpleShot: Revisiting Nearest-Neighbor Classification for Few-Shot Learning", arXiv
    2019.

    Differs from the paper: Adam with a warm-up and cosine decay where it has SGD with steps; the mean that
    features are centred by is a moving average over minibatches, so that it is there at every commit, and
    which starts at 0, so that after n steps it has 1 − 0.99ⁿ of its weight; it is that of features as
    training has them, by the BatchNorm statistics of each minibatch; images are not augmented.

    Expected: omniglot-5w1s, conv4: 97.19 % [96.84, 97.54], by `metabench evaluate simpleshot --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. clinc150-10w1s, bilstm: 62.38 % [61.74, 63.02], by
    `metabench evaluate simpleshot --benchmark clinc150-10w1s --budget 5m`.
    """

    features_only = True

    transform: str = option(
        "auto",
        "what is done to features; auto: l2n on images, cl2n on texts",
        choices=("auto", "un", "l2n", "cl2n"),
    )
    mean_momentum: float = option(
        0.01, "share of a minibatch in the mean of the features, for cl2n", at_least=0, at_most=1
    )

    def setup(self) -> None:
        """Make room for the mean of the features of meta_train."""
        self.mean: Tensor
        self.register_buffer("mean", torch.zeros(self.backbone.n_features))

    def classifier(self, n_classes: int) -> nn.Module:
        """A linear layer; what it is given moves the mean."""
        layer = nn.Linear(self.backbone.n_features, n_classes)
        layer.register_forward_pre_hook(lambda _, given: self.move_mean(given[0]))
        return layer

    def move_mean(self, features: Tensor) -> None:
        """Take the features of a minibatch, (n, n_features), into the mean."""
        self.mean.lerp_(features.detach().mean(0).to(self.mean.dtype), self.mean_momentum)

    def predict(self, episodes: Episodes) -> Tensor:
        """Negative squared distances of queries to class means, all transformed.

        Returns:
            (n_episodes, n_query_total, n_way).
        """
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        support, query = self.transformed(episodes.support), self.transformed(episodes.query)
        means = class_means(support, episodes.support_labels, episodes.n_way)
        return -squared_distances(query, means)

    def transformed(self, features: Tensor) -> Tensor:
        """UN, L2N or CL2N of features (…, n_features)."""
        how = _SUITS[self.backbone.modality] if self.transform == "auto" else self.transform
        if how == "cl2n":
            features = features - self.mean
        return features if how == "un" else functional.normalize(features, dim=-1)
