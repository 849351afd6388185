"""A small benchmark in memory, and runs of one-file contestants on it."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from metabench.data.dataset import Dataset, Pool
from metabench.discovery.plugin import Plugin
from metabench.episodes.manifest import draw_all
from metabench.episodes.sampler import EpisodeIndices
from metabench.episodes.stream import named_stream
from metabench.referee.disguise import Questions, disguise
from metabench.referee.enclosure import Enclosure
from metabench.referee.events import Listener
from metabench.referee.limits import Limits
from metabench.referee.outcome import Outcome
from metabench.referee.run import Match, referee_run
from metabench.spec.benchmark import Benchmark
from metabench.spec.budget import Budget
from metabench.spec.plan import Entrant, Precision, RunPlan
from metabench.spec.protocol import Protocol

PLUGINS = Path(__file__).parent / "plugins"
PROTOCOL = Protocol(n_way=3, n_shot=2, n_query=3)
N_EPISODES = 24


@dataclass(frozen=True)
class Ran:
    """A run that has ended, and what it has left behind.

    Attributes:
        outcome: What the referee says.
        left: Processes of the run that are still there.
        folders: Work folders of the run that are still there.
    """

    outcome: Outcome
    left: list[psutil.Process]
    folders: list[str]


@dataclass(frozen=True)
class Entry:
    """A contestant and the conditions that it runs under.

    Attributes:
        algorithm: "file:Class".
        backbone: "file:Class".
        options: Of the algorithm.
        features_only: The algorithm declares it.
        budget: What it may spend.
        startup_s: What it may take to start.
        precision: Of its arithmetic.
        is_enclosed: The sandbox takes away whatever it can.
    """

    algorithm: str
    backbone: str = "honest:Linear"
    options: tuple[tuple[str, str | int], ...] = ()
    features_only: bool = False
    budget: Budget = field(default_factory=lambda: Budget("20ep", episodes=20, adaptation_s=10))
    startup_s: float = 120.0
    precision: Precision = "fp32"
    is_enclosed: bool = True


@dataclass(frozen=True)
class Conditioned(Match):
    """A match under the conditions of an entry."""

    entry: Entry | None = None

    @property
    def limits(self) -> Limits:
        return Limits(self.plan.budget.memory_mib, self.plan.n_threads, self.plan.seed, self.entry.startup_s)

    @property
    def enclosure(self) -> Enclosure:
        return replace(super().enclosure, is_closed=self.entry.is_enclosed)


@pytest.fixture(scope="session")
def dataset() -> Dataset:
    """The dataset of all runs."""
    return make_dataset()


@pytest.fixture(scope="session")
def questions(dataset: Dataset) -> Questions:
    """The same few episodes for every contestant."""
    return ask(dataset)


@pytest.fixture(scope="session")
def right_answers(dataset: Dataset) -> np.ndarray:
    """The query labels of all episodes, (n_episodes, n_query_total)."""
    return np.concatenate([batch.query_labels for batch in draw(dataset)])


def make_dataset() -> Dataset:
    """Eight classes in each split: a pattern of 8 × 8 pixels per class, with noise."""
    rng = np.random.default_rng(0)
    pools = {}
    for split in ("meta_train", "meta_val", "meta_test"):
        patterns = rng.integers(0, 200, size=(8, 1, 1, 8, 8))
        examples = (patterns + rng.integers(0, 56, size=(8, 6, 1, 8, 8))).astype(np.uint8)
        starts = np.arange(0, 49, 6, dtype=np.int64)
        pools[split] = Pool(examples.reshape(48, 1, 8, 8), starts, tuple("abcdefgh"))
    return Dataset("noise", "image", pools, "0" * 64, "1" * 64)


def ask(dataset: Dataset) -> Questions:
    """A few episodes, in a batch of twenty and one of four."""
    return disguise(draw(dataset), named_stream("secret"))


def draw(dataset: Dataset) -> tuple[EpisodeIndices, ...]:
    return draw_all(dataset.pools["meta_test"].starts, PROTOCOL, named_stream("test"), N_EPISODES)


@pytest.fixture(scope="session")
def referee(
    dataset: Dataset, questions: Questions, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[Entry], Ran]]:
    """Referees a run; may be called in several threads at once."""
    made: dict[int, list[str]] = {}
    make = tempfile.mkdtemp
    # The factory makes its base when it is first asked for a folder, and not in several threads at once.
    tmp_path_factory.getbasetemp()

    def make_and_tell(*args, **kwargs) -> str:
        made.setdefault(threading.get_ident(), []).append(make(*args, **kwargs))
        return made[threading.get_ident()][-1]

    def run(entry: Entry) -> Ran:
        folder = tmp_path_factory.mktemp("plugins")
        shutil.copytree(PLUGINS, folder, dirs_exist_ok=True)
        made[threading.get_ident()] = []
        outcome = referee_run(Conditioned(_plan(entry, folder), dataset, questions, Listener(), entry=entry))
        folders = made[threading.get_ident()]
        return Ran(outcome, processes_of(folders), [one for one in folders if Path(one).exists()])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "mkdtemp", make_and_tell)
        yield run


@pytest.fixture(scope="session")
def processes_in() -> Callable[[list[str]], list[psutil.Process]]:
    """Finds the processes that were started with one of some folders as their home."""
    return processes_of


def processes_of(folders: list[str]) -> list[psutil.Process]:
    """The processes that were started with one of some folders as their home."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("HOME") in folders:
                found.append(process)
        except psutil.Error:
            continue
    return found


@pytest.fixture(scope="session")
def match() -> Callable[[Entry], Match]:
    """Makes the match of a contestant, for tests that referee a part of it alone."""
    return make_match


def make_match(entry: Entry) -> Match:
    """The match of a contestant whose files stay where they are."""
    dataset = make_dataset()
    return Conditioned(_plan(entry, PLUGINS), dataset, ask(dataset), Listener(), entry=entry)


def _plan(entry: Entry, folder: Path) -> RunPlan:
    return RunPlan(
        benchmark=Benchmark("noise-3w2s", "noise", PROTOCOL, n_episodes=N_EPISODES),
        algorithm=_entrant("algorithm", entry.algorithm, folder, entry.options),
        backbone=_entrant("backbone", entry.backbone, folder, ()),
        features_only=entry.features_only,
        pretraining="none",
        budget=entry.budget,
        seed=0,
        device="cpu",
        precision=entry.precision,
        n_threads=1,
    )


def _entrant(kind, target: str, folder: Path, options: tuple[tuple[str, str | int], ...]) -> Entrant:
    plugin = Plugin(kind, target.partition(":")[2], target, "(file)", "", folder)
    return Entrant(plugin, options, source_hash="")


@pytest.fixture(scope="session")
def entry() -> type[Entry]:
    """Makes a contestant and its conditions."""
    return Entry
