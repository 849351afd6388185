"""Relation Networks: a learned comparison of query and class."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Algorithm, Episodes, option
from metabench_plugins.algorithms.protonet import class_means


class RelationNet(Algorithm):
    """Let a network say how well a query and a class go together. Sung et al. 2018.

    Source: Sung et al., "Learning to Compare: Relation Network for Few-Shot Learning", CVPR 2018.

    Differs from the paper: the mean of a class's maps where the paper has the sum (section 3.2), so that a
    test may have other shots than the training; filters of the first block start with the difference of a
    class and a query, which spares them finding out that the two are to be compared; meta-training episodes
    have 10 classes where it has as many as the test, and fewer queries; the backbone is that of other
    methods, which leaves smaller maps, down to one pixel, on which a 3×3 convolution is a linear layer and
    nothing is pooled; features that are no map, as of texts, count as a map of one pixel; cosine decay where
    it halves the learning rate every 100,000 episodes. In testing BatchNorm applies the statistics of
    training, where the authors' code takes those of the test examples.

    Expected: omniglot-5w1s, conv4: 97.00 % [96.65, 97.35], by `metabench evaluate relation --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores (paper, fully trained: 99.6, with BatchNorm over the test
    examples); clinc150-10w1s, bilstm: 51.92 % [51.19, 52.64], by `metabench evaluate relation --benchmark
    clinc150-10w1s --budget 5m`.
    """

    features_only = True

    relation_channels: int = option(64, "channels of both blocks of the relation module", at_least=1)
    relation_hidden: int = option(8, "units of its hidden layer", at_least=1)

    train_n_way: int = option(10, "classes per meta-training episode; 0: as in the benchmark", at_least=0)
    train_n_query: int = option(5, "query examples per class; 0: as in the benchmark", at_least=0)

    def setup(self) -> None:
        """Make the relation module."""
        self.map_shape = self.backbone.map_shape or (self.backbone.n_features, 1, 1)
        n_maps, *sides = self.map_shape
        smaller = _pooled(sides)
        self.relation = nn.Sequential(
            _of_differences(_block(2 * n_maps, self.relation_channels, sides)),
            _block(self.relation_channels, self.relation_channels, smaller),
            nn.Flatten(),
            nn.Linear(self.relation_channels * math.prod(_pooled(smaller)), self.relation_hidden),
            nn.ReLU(),
            nn.Linear(self.relation_hidden, 1),
        )

    def loss(self, episodes: Episodes) -> Tensor:
        """Mean squared error of the relation scores (equation 2)."""
        scores = self.predict(episodes).sigmoid()
        matches = functional.one_hot(episodes.targets, episodes.n_way).to(scores.dtype)
        return functional.mse_loss(scores, matches)

    def predict(self, episodes: Episodes) -> Tensor:
        """What the relation scores (equation 1) are the sigmoids of, (n_episodes, n_query_total, n_way)."""
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        classes = class_means(episodes.support, episodes.support_labels, episodes.n_way)
        n_query, n_way = episodes.query.shape[1], episodes.n_way
        pairs = torch.stack(
            [
                classes[:, None].expand(-1, n_query, -1, -1),
                episodes.query[:, :, None].expand(-1, -1, n_way, -1),
            ],
            dim=3,
        )
        n_maps, height, width = self.map_shape
        scores: Tensor = self.relation(pairs.view(-1, 2 * n_maps, height, width))
        return scores.view(-1, n_query, n_way)


def _block(n_in: int, n_out: int, sides: list[int]) -> nn.Sequential:
    """A block of the relation module for maps of these sides (figure 2)."""
    # All but the middle of a wider kernel would see padding alone.
    kernel_size = 3 if max(sides) > 1 else 1
    convolution = nn.Conv2d(n_in, n_out, kernel_size, padding=kernel_size // 2, bias=False)
    pooling = nn.Identity() if _pooled(sides) == sides else nn.MaxPool2d(2)
    return nn.Sequential(convolution, nn.BatchNorm2d(n_out), nn.ReLU(), pooling)


def _of_differences(block: nn.Sequential) -> nn.Sequential:
    """Let a block start with filters of the difference between class and query, as it is to compare them."""
    weight = block.get_parameter("0.weight")
    of_class, of_query = weight.detach().chunk(2, dim=1)
    of_query.copy_(-of_class)
    return block


def _pooled(sides: list[int]) -> list[int]:
    """The sides of a map after 2×2 pooling; a side of one pixel is left, and the other with it."""
    return [side // 2 for side in sides] if min(sides) > 1 else sides
