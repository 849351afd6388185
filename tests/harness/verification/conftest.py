"""Results of a toy benchmark that verify, and the means to spoil them."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples, Recipe
from metabench.discovery.contestants import find
from metabench.discovery.plugin import Kind
from metabench.discovery.source import read_source
from metabench.referee.events import Listener
from metabench.results.arena import arena_key, make_ready
from metabench.results.assemble import Planned
from metabench.results.files import (
    OUTCOMES_FILE,
    RECORD_FILE,
    contents_of,
    read_curve,
    read_predictions,
    read_record,
)
from metabench.results.folder import Stored, folder_name, write_result
from metabench.results.identity import IdentityParts
from metabench.results.outcomes import encode as encode_outcomes
from metabench.results.outcomes import outcomes_of
from metabench.results.predictions import Predictions, encode
from metabench.results.produce import Producer
from metabench.results.record import Record
from metabench.results.score import curve_point, score_parts
from metabench.results.seal import sealed
from metabench.scoring.metric import Metric
from metabench.scoring.pooled import PooledMetric
from metabench.spec.benchmark import Benchmark
from metabench.spec.budget import parse_budget
from metabench.spec.plan import Entrant, RunPlan
from metabench.spec.protocol import Protocol
from metabench.verification.machine import Machine

PLUGINS = Path(__file__).parent / "plugins"
N_EPISODES = 40
TOY = Benchmark("toy-2w1s", "toy", Protocol(2, 1, 3), n_episodes=N_EPISODES)


def accuracy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (logits.argmax(-1) == labels).mean(-1)


METRIC = Metric("accuracy", "accuracy", accuracy)
POOLED = PooledMetric(
    name="share",
    title="share",
    n_sums=2,
    sums=lambda logits, labels: np.stack(
        [(logits.argmax(-1) == labels).sum(-1), np.full(len(labels), labels.shape[1])], axis=-1
    ).astype(np.float64),
    value=lambda sums: sums[..., 0] / sums[..., 1],
)


def build(_files):
    """Four classes per split, of eight small images each, with a brightness of their own."""
    rng = np.random.default_rng(0)
    for number in range(12):
        images = rng.integers(0, 20, size=(8, 1, 4, 4)) + 20 * number
        yield ClassExamples(f"class{number:02}", SPLITS[number // 4], images.astype(np.uint8))


RECIPE = Recipe("toy", "", "image", "linear", "", "", (), None, build)


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine that has the toy dataset."""
    home = tmp_path_factory.mktemp("home")
    return Machine(
        metrics={"accuracy": METRIC},
        pooled={"share": POOLED},
        datasets={"toy": RECIPE},
        places=Places(home, None),
        plugins=PLUGINS,
        device="cpu",
        n_threads=1,
        listener=Listener(),
    )


@dataclass(frozen=True)
class Made:
    """A result in a folder, to be spoilt.

    Attributes:
        folder: Where it lies.
    """

    folder: Path

    @property
    def record(self) -> Record:
        return read_record(self.folder)

    @property
    def stored(self) -> Stored:
        return Stored(self.folder, self.record)

    def forge(self, *, new_identity: bool = False, **changes: Any) -> Made:
        """Change the record as somebody does who knows how: its hashes, name, and seal are made anew."""
        files = {one.name: _sha256(one) for one in self.folder.iterdir() if one.name != RECORD_FILE}
        record = self.record.model_copy(update={"files": files} | changes)
        if new_identity:
            record = record.model_copy(update={"identity": IdentityParts.of(record).identity()})
        (self.folder / RECORD_FILE).write_bytes(sealed(record))
        return Made(self.folder.rename(self.folder.with_name(folder_name(record))))

    def forge_scores(self) -> Made:
        """Make hashes, scores and curve anew from the files."""
        made = self.forge()
        record, folder = made.record, made.folder
        commits = zip(read_curve(folder, record), record.curve, strict=True)
        outcomes = outcomes_of(read_predictions(folder, record), [METRIC], [POOLED])
        (folder / OUTCOMES_FILE).write_bytes(encode_outcomes(outcomes))
        return made.forge(
            scores=score_parts(outcomes, {"share": POOLED}),
            curve=tuple(curve_point(told, METRIC, point.meta_training_s) for told, point in commits),
        )

    def answer(self, predictions: Predictions, name: str = "predictions.parquet") -> Made:
        """Put other predictions in place of those that are there."""
        (self.folder / name).write_bytes(encode(predictions))
        return self


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def answers(
    labels: tuple[np.ndarray, ...], seed: int = 0, classes: tuple[tuple[str, ...], ...] = ()
) -> Predictions:
    """Answers that are right in most cases."""
    rng = np.random.default_rng(seed)
    logits = (np.eye(2)[one] + rng.normal(0, 0.5, (len(one), 2)) for one in labels)
    return Predictions(tuple(one.astype(np.float32) for one in logits), labels, classes)


@pytest.fixture
def make_result(tmp_path: Path, machine: Machine, make_record: Callable[..., Record]) -> Callable[..., Made]:
    """Makes results that verify; see `make_record` for changes."""
    arena = make_ready(TOY, machine.datasets, machine.places)

    def make(seed: int = 0, **changes: Any) -> Made:
        told = answers(arena.labels, seed, arena.classes)
        outcomes = outcomes_of(told, [METRIC], [POOLED])
        commits = [answers(arena.labels[:4], seed + 1), answers(arena.labels[:4], seed + 2)]
        record = make_record(
            benchmark=dict(arena.part) | changes.pop("benchmark", {}),
            scores=score_parts(outcomes, {"share": POOLED}),
            curve=tuple(map(curve_point, commits, [METRIC] * 2, (18.75, 37.5))),
            disguise="d" * 64,
            seed=seed,
            **changes,
        )
        record = record.model_copy(update={"identity": IdentityParts.of(record).identity()})
        return Made(
            write_result(
                tmp_path,
                record,
                contents_of(told, b"weights", commits=commits, outcomes=outcomes),
            )
        )

    return make


@pytest.fixture
def result(make_result: Callable[..., Made]) -> Made:
    """A result that verifies."""
    return make_result()


def entrant(kind: Kind, class_name: str, options: tuple[tuple[str, float], ...] = ()) -> Entrant:
    plugin = find(kind, f"{PLUGINS / 'methods.py'}:{class_name}")
    return Entrant(plugin, options, read_source(plugin).digest)


@pytest.fixture(scope="session")
def method(machine: Machine) -> RunPlan:
    """The plan of a real run on the toy benchmark."""
    return RunPlan(
        benchmark=TOY,
        algorithm=entrant("algorithm", "Means", (("scale", 2.0),)),
        backbone=entrant("backbone", "Linear"),
        features_only=True,
        pretraining="none",
        budget=parse_budget("3ep"),
        seed=0,
        device="cpu",
        precision="fp32",
        n_threads=1,
    )


@pytest.fixture
def planned(machine: Machine, method: RunPlan, make_result: Callable[..., Made]) -> Record:
    """A record of such a run, without one."""
    parts = Planned.of(method, make_ready(TOY, machine.datasets, machine.places)).parts
    told = {"budget": dict(parts.budget), "environment": dict(parts.environment)}
    return make_result(algorithm=parts.algorithm, backbone=parts.backbone, **told).record


@pytest.fixture(scope="session")
def ran(machine: Machine, method: RunPlan, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The result of a real run; tests take a copy."""
    results = tmp_path_factory.mktemp("results")
    arena = make_ready(TOY, machine.datasets, machine.places)
    producer = Producer(
        {arena_key(method): arena}, machine.metrics, machine.pooled, results, machine.places, Listener()
    )
    return results / folder_name(producer.produce(method))


@pytest.fixture
def real(ran: Path, tmp_path: Path) -> Made:
    """A copy of the result of a real run."""
    return Made(shutil.copytree(ran, tmp_path / ran.name))
