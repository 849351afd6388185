"""A contestant in a thread of this process, the referee's end of its channel, and plugins in files."""

import importlib
import random
import select
import socket
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from metabench.wire.channel import Channel
from metabench.wire.reports import Assignment, PluginAddress

PLUGINS = """
    import torch
    from torch import nn
    from torch.nn import functional
    from metabench.api import Algorithm, Backbone, option

    class Flat(Backbone):
        width: int = option(4, "features", at_least=1)

        def setup(self, example_shape):
            n_inputs = 1
            for size in example_shape:
                n_inputs *= size
            self.layer = nn.Linear(n_inputs, self.width)
            self.norm = nn.BatchNorm1d(self.width)
            self.n_features = self.width
            self.n_calls, self.n_seen = 0, 0

        def forward(self, inputs):
            self.n_calls += 1
            self.n_seen += len(inputs)
            return self.norm(self.layer(inputs.flatten(1)))

    class Nearest(Algorithm):
        "Nearest class mean."
        features_only = True

        def loss(self, episodes):
            return functional.cross_entropy(self.predict(episodes).flatten(0, 1), episodes.targets.flatten())

        def predict(self, episodes):
            members = functional.one_hot(episodes.support_labels, episodes.n_way).float()
            means = members.transpose(1, 2) @ episodes.support / members.sum(1)[..., None]
            return -torch.cdist(episodes.query, means)
"""


@pytest.fixture(autouse=True)
def _global_state(tmp_path: Path) -> Iterator[None]:
    """What building a learner sets in its process, put back."""
    threads, path = torch.get_num_threads(), list(sys.path)
    torch.set_num_threads(1)
    random_state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        yield
    random.setstate(random_state)
    np.random.set_state(numpy_state)  # noqa: NPY002
    torch.use_deterministic_algorithms(False)
    torch.set_num_threads(threads)
    sys.path[:] = path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", "")).startswith(str(tmp_path)):
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def write_plugin(tmp_path):
    """Write a module of plugins and give the address of a class in it."""

    def writer(text=PLUGINS, *, name="Nearest", module="demo_plugin", **options):
        head = textwrap.dedent(PLUGINS) if text is not PLUGINS else ""
        Path(tmp_path / f"{module}.py").write_text(head + textwrap.dedent(text))
        return PluginAddress(
            target=f"{module}:{name}", search_path=str(tmp_path), options=options, model=None
        )

    return writer


@pytest.fixture
def assign(write_plugin):
    """Make an assignment; plugins are the demonstration's unless given."""

    def assigner(**changes):
        told = {
            "role": "train",
            "algorithm": changes.get("algorithm") or write_plugin(),
            "backbone": write_plugin(name="Flat", module="demo_backbone"),
            "most_way": 3,
            "n_way": 3,
            "n_shot": 1,
            "n_query": 2,
            "example_shape": (2, 3),
            "n_tokens": 0,
            "seed": 0,
            "device": "cpu",
            "device_memory_mib": None,
            "precision": "fp32",
            "n_threads": 1,
            "seconds": None,
            "episodes": 8,
        }
        return Assignment(**(told | changes))

    return assigner


@pytest.fixture
def channels():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Channel(ours, max_bytes=1 << 24), Channel(theirs, max_bytes=1 << 24)


class Player(threading.Thread):
    """A contestant's role, played in a thread until the referee's end is closed."""

    def __init__(self, role) -> None:
        super().__init__(daemon=True)
        self._role = role
        self.raised: BaseException | None = None

    def run(self) -> None:
        try:
            self._role()
        except BaseException as error:
            self.raised = error

    def hear(self, channel):
        """The role's next message, whole once it begins to arrive; what the role raises is raised here."""
        while not select.select([channel._connection], [], [], 0.02)[0]:
            if self.raised is not None:
                raise self.raised
        return channel.receive(within_s=30.0)


@pytest.fixture
def play(channels):
    """Start a role in a thread: the referee's end of the channel, and the thread."""
    ours, _ = channels
    players = []

    def start(role):
        players.append(Player(role))
        players[-1].start()
        return ours, players[-1]

    yield start
    ours.close()
    for player in players:
        player.join(10)
        assert not player.is_alive()


@pytest.fixture
def examples():
    """Images of bytes, (24, 2, 3): six classes of four."""
    rng = np.random.default_rng(0)
    centres = rng.integers(0, 200, (6, 1, 2, 3))
    return (centres + rng.integers(0, 40, (6, 4, 2, 3))).astype(np.uint8).reshape(24, 2, 3)
