"""Learners on small backbones, and problems that they can solve."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn

from metabench.api import Backbone, Episodes
from metabench.api.algorithm import AlgorithmSetting
from metabench.api.backbone import BackboneSetting
from metabench.api.options import declared_options, resolve_options
from metabench_plugins.backbones.conv4 import Conv4


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


class Dense(Backbone):
    """One layer with a smooth bend, so that second derivatives are there."""

    def setup(self, example_shape):
        self.layer = nn.Linear(example_shape[0], 4)
        self.n_features = 4

    def forward(self, inputs):
        return torch.tanh(self.layer(inputs))


def make_learner(
    algorithm, *, backbone=Dense, shape=(5,), n_way=3, n_shot=2, n_query=2, most_way=0, width=8, **options
):
    declared = declared_options(backbone)
    built = backbone(BackboneSetting(resolve_options(declared, {"width": width} if declared else {}), shape))
    values = resolve_options(declared_options(algorithm), options)
    return algorithm(AlgorithmSetting(values, built, n_way, n_shot, n_query, most_way))


def make_episodes(*, n=2, shape=(5,), n_way=3, n_shot=2, n_query=2, seed=0, dtype=torch.float32, noise=0.3):
    """Episodes of classes that lie around centres of their own, with shuffled queries."""
    rng = torch.Generator().manual_seed(seed)
    centres = torch.randn(n, n_way, 1, *shape, generator=rng, dtype=dtype)
    drift = torch.randn(n, n_way, n_shot + n_query, *shape, generator=rng, dtype=dtype)
    examples = centres + noise * drift
    labels = torch.arange(n_way).repeat_interleave(n_query)
    order = torch.stack([torch.randperm(n_way * n_query, generator=rng) for _ in range(n)])
    queries = examples[:, :, n_shot:].flatten(1, 2)
    return Episodes(
        support=examples[:, :, :n_shot].flatten(1, 2),
        support_labels=torch.arange(n_way).repeat_interleave(n_shot).repeat(n, 1),
        query=torch.stack([one[at] for one, at in zip(queries, order, strict=True)]),
        query_labels=labels[order],
        n_way=n_way,
    )


def accuracy_of(learner, **protocol):
    episodes = make_episodes(seed=999, **protocol)
    return (learner.answer(episodes).argmax(-1) == episodes.targets).float().mean().item()


def make_signed_episodes(seed, n=4):
    """Whether the first of five numbers is large or small, one shot each, with either sign per episode."""
    rng = torch.Generator().manual_seed(seed)
    labels = torch.tensor([0, 1] * 6).repeat(n, 1)
    sign = torch.where(torch.rand(n, 1, generator=rng) < 0.5, -1.0, 1.0)
    inputs = torch.randn(n, 12, 5, generator=rng)
    inputs[..., 0] = sign * (2.0 * labels - 1) + 0.2 * inputs[..., 0]
    return Episodes(inputs[:, :2], labels[:, :2], inputs[:, 2:], labels[:, 2:], n_way=2)


def signed_accuracy_of(learner):
    episodes = make_signed_episodes(999, n=50)
    return (learner.answer(episodes).argmax(-1) == episodes.targets).float().mean().item()


@pytest.fixture
def toy():
    """Makers of learners and episodes, by name."""

    class Toy:
        learner = staticmethod(make_learner)
        episodes = staticmethod(make_episodes)
        accuracy = staticmethod(accuracy_of)
        signed = staticmethod(make_signed_episodes)
        signed_accuracy = staticmethod(signed_accuracy_of)
        Dense = Dense
        Conv4 = Conv4

    return Toy
