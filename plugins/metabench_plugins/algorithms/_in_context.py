"""Methods that are told the labels of the support as inputs, and learn what to make of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option
from metabench_plugins.algorithms._labels import spread_labels
from metabench_plugins.algorithms._support_order import shuffled_support


class InContextLearner(Algorithm):
    """Base of methods with an input and an output for each label.

    What to do with labels takes them more episodes to learn than a backbone can embed within a short
    budget. Therefore a meta-training episode has many classes, and many episodes of the benchmark's ways
    are made of its features.
    """

    features_only = True

    train_n_way: int = option(
        30, "classes embedded at once, of which episodes are made; 0: as in the benchmark", at_least=0
    )
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)
    step_examples: int = option(
        512, "about how many examples the episodes have that are made for one step", at_least=1
    )

    def setup(self) -> None:
        """Embed as many classes at once as a test episode can have, where that is more than is told."""
        if self.train_n_way or self.most_way > self.n_way:
            self.train_n_way = max(self.train_n_way, self.most_way)

    def loss(self, episodes: Episodes) -> Tensor:
        """Cross-entropy of the queries of episodes that are made of these, in any order of the support."""
        made = shuffled_support(self.made_of(episodes))
        if episodes.n_way < self.most_way:
            made = spread_labels(made, self.most_way)
        return functional.cross_entropy(self.predict(made).flatten(0, 1), made.targets.flatten())

    def made_of(self, episodes: Episodes) -> Episodes:
        """Episodes of the benchmark's ways; of any number of ways where it varies."""
        n_way = self.n_way
        if self.most_way > n_way:
            n_way = int(torch.randint(2, self.most_way + 1, ()))
        if n_way >= episodes.n_way:
            return episodes
        n_examples = (episodes.n_support + episodes.targets.shape[1]) * n_way // episodes.n_way
        return recombined(episodes, n_way, max(1, self.step_examples // (n_examples * len(episodes))))


def feature_embedding(n_features: int, width: int) -> nn.Sequential:
    """Make a layer that embeds features (…, n_features) of examples as (…, width).

    It takes their mean away first, that of meta-training in testing: features of texts hardly differ beside
    it, and what compares them finds them all alike.
    """
    return nn.Sequential(_FeatureNorm(n_features), nn.Linear(n_features, width), nn.LayerNorm(width))


class _FeatureNorm(nn.BatchNorm1d):
    """BatchNorm of features (…, n_features), over all examples."""

    def forward(self, features: Tensor) -> Tensor:
        return super().forward(features.reshape(-1, self.num_features)).view_as(features)


def recombined(episodes: Episodes, n_way: int, count: int) -> Episodes:
    """Make smaller episodes of some classes of larger ones, drawn from torch's generator.

    Args:
        episodes: Of features, labelled, all classes with as many examples.
        n_way: Classes of each smaller episode.
        count: How many are made of each larger one.
    """
    n_rows, device = len(episodes), episodes.support_labels.device
    classes = torch.rand(n_rows, count, episodes.n_way, device=device).argsort(2)[..., :n_way]

    def of_classes(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        order = labels.argsort(dim=1, stable=True)[..., None].expand_as(features)
        by_class = features.gather(1, order).view(n_rows, episodes.n_way, -1, features.shape[2])
        chosen = by_class[torch.arange(n_rows, device=device)[:, None, None], classes]
        names = torch.arange(n_way, device=device).repeat_interleave(chosen.shape[3])
        return chosen.flatten(0, 1).flatten(1, 2), names.repeat(n_rows * count, 1)

    assert isinstance(episodes.support, Tensor)
    assert isinstance(episodes.query, Tensor)
    return Episodes(
        *of_classes(episodes.support, episodes.support_labels),
        *of_classes(episodes.query, episodes.targets),
        n_way,
    )
