"""A method and its backbone, as small as can be."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

from metabench.api import Algorithm, Backbone, option


class Linear(Backbone):
    """One linear layer."""

    def setup(self, example_shape):
        self.n_features = 4
        self.layer = nn.Linear(int(torch.tensor(example_shape).prod()), self.n_features)

    def forward(self, inputs):
        return self.layer(inputs.flatten(1))


class Means(Algorithm):
    """Squared distance to the mean of each class."""

    features_only = True
    scale: float = option(1.0, "factor on the distance")

    def predict(self, episodes):
        members = functional.one_hot(episodes.support_labels, episodes.n_way).float()
        means = torch.einsum("esw,esf->ewf", members, episodes.support) / members.sum(1)[..., None]
        return -self.scale * (episodes.query[:, :, None] - means[:, None]).square().sum(-1)

    def loss(self, episodes):
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())
