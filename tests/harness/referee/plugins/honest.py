"""Contestants that do nothing wrong, and the backbone that all of this folder use."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Backbone, Episodes


class Linear(Backbone):
    """One linear layer."""

    def setup(self, example_shape):
        self.n_features = 8
        self.layer = nn.Linear(int(torch.tensor(example_shape).prod()), self.n_features)

    def forward(self, inputs):
        return self.layer(inputs.flatten(1))


class NearestMean(Algorithm):
    """Squared distance to the mean of each class."""

    def loss(self, episodes: Episodes) -> Tensor:
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes: Episodes) -> Tensor:
        support, query = self.features(episodes.support), self.features(episodes.query)
        members = functional.one_hot(episodes.support_labels, episodes.n_way).float()
        means = torch.einsum("esw,esf->ewf", members, support) / members.sum(1)[..., None]
        return -(query[:, :, None] - means[:, None]).square().sum(-1)

    def features(self, inputs: Tensor) -> Tensor:
        return self.backbone(inputs.flatten(0, 1)).view(*inputs.shape[:2], -1)


class FeaturesOnly(NearestMean):
    """The same from features that the harness computes."""

    features_only = True

    def features(self, inputs: Tensor) -> Tensor:
        return inputs


class Gradient(NearestMean):
    """Fit a linear classifier to the support set by gradient steps."""

    def predict(self, episodes: Episodes) -> Tensor:
        return torch.stack([self.fit_and_answer(episode) for episode in episodes])

    def fit_and_answer(self, episode: Episodes) -> Tensor:
        weight = torch.zeros(episode.n_way, self.backbone.n_features, requires_grad=True)
        with torch.enable_grad():
            for _ in range(3):
                logits = self.features(episode.support)[0] @ weight.T
                loss = functional.cross_entropy(logits, episode.support_labels[0])
                (gradient,) = torch.autograd.grad(loss, weight, create_graph=True)
                weight = weight - gradient
        return self.features(episode.query)[0] @ weight.T
