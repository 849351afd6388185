"""A clock that stands still unless told, toy data, and a toy method."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from metabench import clock
from metabench.api import Algorithm, Backbone, session
from metabench.api.algorithm import AlgorithmSetting
from metabench.api.backbone import BackboneSetting
from metabench.api.options import declared_options, resolve_options
from metabench.api.session import Allowance, LabelledPool, Session


@pytest.fixture(autouse=True)
def _short_validations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "VALIDATION_EPISODES", 3)


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.time = 1000.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def fake_clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    fake = Clock()
    monkeypatch.setattr(clock, "read", fake)
    return fake


class Flat(Backbone):
    """One linear layer, with a BatchNorm so that training mode matters."""

    def setup(self, example_shape):
        self.layer = nn.Linear(int(np.prod(example_shape)), 4)
        self.norm = nn.BatchNorm1d(4)
        self.n_features = 4

    def forward(self, inputs):
        return self.norm(self.layer(inputs.flatten(1)))


class Nearest(Algorithm):
    """Nearest class mean, with the tools at hand."""

    features_only = True

    def loss(self, episodes):
        return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes):
        means = torch.stack(
            [
                torch.stack([s[y == way].mean(0) for way in range(episodes.n_way)])
                for s, y in zip(episodes.support, episodes.support_labels, strict=True)
            ]
        )
        return -(torch.cdist(episodes.query, means) ** 2)


class Recorder:
    """What a session hands over."""

    def __init__(self) -> None:
        self.commits: list[tuple[float, dict[str, torch.Tensor]]] = []
        self.reports = []
        self.on_commit: Callable[[], None] = lambda: None

    def commit(self, learner):
        self.on_commit()
        state = {name: value.clone() for name, value in learner.state_dict().items()}
        self.commits.append((clock.now(), state))

    def report(self, spent):
        self.reports.append(spent)


def make_pool(n_classes=8, n_each=10, seed=0, n_dimensions=6):
    """Classes whose examples differ in three dimensions and are noise in the others."""
    rng = torch.Generator().manual_seed(seed)
    centres = torch.randn(n_classes, 1, n_dimensions, generator=rng)
    centres[..., 3:] = 0
    noise = torch.randn(n_classes, n_each, n_dimensions, generator=rng)
    noise[..., :3] *= 0.1
    examples = (centres + noise).flatten(0, 1)
    return LabelledPool(examples, np.arange(n_classes + 1, dtype=np.int64) * n_each)


def make_learner(algorithm=Nearest, backbone=Flat, *, n_way=3, n_shot=1, n_query=2, shape=(6,), **options):
    return algorithm(
        AlgorithmSetting(
            options=resolve_options(declared_options(algorithm), options),
            backbone=backbone(BackboneSetting(resolve_options(declared_options(backbone), {}), shape)),
            n_way=n_way,
            n_shot=n_shot,
            n_query=n_query,
        )
    )


def make_session(learner, link=None, *, pools=None, seed=0, **allowance):
    return Session(
        learner,
        pools or (make_pool(seed=0), make_pool(seed=1)),
        Allowance(**({"seconds": None, "episodes": None} | allowance)),
        link or Recorder(),
        seed=seed,
        device=torch.device("cpu"),
    )


@pytest.fixture
def toy():
    """Makers of toy parts, by name."""

    class Toy:
        pool = staticmethod(make_pool)
        learner = staticmethod(make_learner)
        session = staticmethod(make_session)
        Recorder = Recorder
        Nearest = Nearest
        Flat = Flat

    return Toy
