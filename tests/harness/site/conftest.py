"""Results as a community might have them, some failed, damaged or hostile, and the site of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metabench.discovery.trusted import load_extensions
from metabench.leaderboards.published import RESULTS
from metabench.leaderboards.renderer import Renderer
from metabench.results.files import contents_of
from metabench.results.folder import read_all, write_result
from metabench.results.outcomes import Outcomes
from metabench.results.record import (
    BenchmarkPart,
    CalibrationPart,
    ComputePart,
    CurvePoint,
    DatasetPart,
    FailurePart,
    PluginPart,
    Record,
    ScorePart,
)
from metabench.scoring.metric import Metric
from metabench.site.contents import Contents, read_contents
from metabench.site.files import site_files
from metabench.site.folder import write_site

PUBLISHED = Path(__file__).parents[3] / "leaderboards" / RESULTS
N_EPISODES = 100
HOSTILE = "<script>alert('x')</script>"
# Name → how hard, 0 … 1.
BENCHMARKS = {"omniglot-5w1s": 0.1, "grocery-5w5s": 0.5, "clinc150-5w1s": 0.3, "banking77-10w5s": 0.4}
# Name → how good, 0 … 1.
ALGORITHMS = {
    "protonet": 0.95,
    "feat": 0.95,
    "r2d2": 0.9,
    "simpleshot": 0.85,
    "matching": 0.8,
    "maml": 0.75,
    "anil": 0.7,
    "relation": 0.65,
    "reptile": 0.5,
    "linear-probe": 0.4,
}


def never(_logits: np.ndarray, _labels: np.ndarray) -> np.ndarray:
    raise AssertionError("all results have outcomes")


METRICS = {
    "accuracy": Metric("accuracy", "accuracy", never),
    "nll": Metric("nll", "negative log-likelihood", never, higher_is_better=False, as_percent=False),
}
RENDERERS = [Renderer("plain", "Plain text", lambda boards: f"{len(boards[0].rows)} methods", ".md")]


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def benchmark_part(name: str) -> BenchmarkPart:
    dataset, _, protocol = name.rpartition("-")
    return BenchmarkPart(
        name=name,
        dataset=DatasetPart(name=dataset, content_hash=digest(dataset), split_hash=digest("split")),
        source=None,
        protocol=protocol,
        parameters={"n_way": 5, "n_shot": 1, "n_query": 15},
        sampler_version=1,
        stream_seed=0,
        n_episodes=N_EPISODES,
        metric="accuracy",
        manifest_hash=digest(name),
    )


def plugin(name: str, **options: Any) -> PluginPart:
    module = name.replace("-", "_")
    return PluginPart(
        name=name,
        target=f"metabench_plugins.{module}:Plugin",
        distribution="metabench",
        version="0.1.0",
        source_hash=digest(name),
        options=options,
    )


def outcomes(benchmark: str, skill: float, seed: int) -> Outcomes:
    """Scores of 75 queries an episode; some episodes are hard for all."""
    hard = np.random.default_rng(len(benchmark)).normal(0, 0.06, N_EPISODES)
    rng = np.random.default_rng([len(benchmark), round(1000 * skill), seed])
    right = np.clip(0.2 + 0.8 * (1 - BENCHMARKS.get(benchmark, 0.2)) * skill + hard, 0.05, 0.99)
    scores = rng.binomial(75, right) / 75
    episodes = np.random.default_rng(1)
    classes = tuple(tuple(f"class{i:02}" for i in episodes.permutation(20)[:5]) for _ in range(N_EPISODES))
    by_class = tuple(np.full(5, score) for score in scores)
    return Outcomes({"accuracy": scores, "nll": -np.log(right)}, np.full(N_EPISODES, 0.2), classes, by_class)


class Results:
    """Writes results into a folder.

    Attributes:
        folder: Of the results.
    """

    def __init__(self, folder: Path, make_record: Callable[..., Record]) -> None:
        self.folder = folder
        self._make = make_record

    def add(
        self,
        benchmark: str,
        algorithm: str | PluginPart,
        skill: float | None,
        *,
        seed: int = 0,
        **changes: Any,
    ) -> Path:
        """Write a result; without a skill it has no outcomes."""
        name = algorithm if isinstance(algorithm, str) else algorithm.name
        budget_s = changes.pop("budget_s", 300.0)
        told = None if skill is None else outcomes(benchmark, skill * (1 - 0.2 * (budget_s < 300)), seed)
        identity = digest(f"{benchmark} {algorithm!r} {seed} {budget_s} {sorted(changes)}")
        parts = {
            "identity": identity,
            "started": f"2026-03-{seed + 1:02}T12:00:00+00:00",
            "algorithm": plugin(name, inner_lr=0.1, steps=5) if isinstance(algorithm, str) else algorithm,
            "backbone": plugin("conv4" if "w1s" not in benchmark else "resnet12", channels=64),
            "benchmark": benchmark_part(benchmark).model_dump(exclude={"dataset", "source"})
            | {"dataset": benchmark_part(benchmark).dataset},
            "budget": {"name": f"{budget_s:g}s", "seconds": budget_s, "adaptation_s": 10.0},
            "spent": {
                "meta_training_s": budget_s - 3.5 - len(name[:20]),
                "peak_memory_mib": 400.0 + 7 * len(name[:20]),
            },
            "compute": ComputePart(
                parameters=112_000, per_training_step=3.1e9, per_test_episode=2.2e9, uncounted=()
            ),
            "calibration": CalibrationPart(
                before_s={"convolution": 0.008, "attention": 0.008, "gather": 0.003, "adaptation": 0.007},
                after_s={"convolution": 0.008, "attention": 0.008, "gather": 0.003, "adaptation": 0.007},
                drift=0.02,
                is_steady=True,
            ),
            "curve": () if told is None else tuple(_curve(told, budget_s)),
            "scores": () if told is None else tuple(_scores(told)),
        }
        record = self._make(**(parts | changes), seed=seed)
        return write_result(self.folder, record, contents_of(outcomes=told))

    def add_all(self) -> None:
        """What a community might have."""
        for benchmark in BENCHMARKS:
            for algorithm, skill in ALGORITHMS.items():
                for seed in range(3 if algorithm in ("protonet", "maml") else 1):
                    self.add(benchmark, algorithm, skill, seed=seed)
        for algorithm, skill in ALGORITHMS.items():
            self.add("omniglot-5w1s", algorithm, skill, budget_s=60.0)
        self.add("omniglot-5w1s", plugin("maml", inner_lr=0.1, steps=10), 0.77)
        self.add("grocery-5w5s", "reptile-transductive", 0.97, verdict="transductive")
        self.add(
            "omniglot-5w1s", "snail", None, status="timeout", failure=_failure("it took longer than 10 s")
        )
        self.add(
            "clinc150-5w1s", "mann", None, status="crashed", failure=_failure(f"it said {HOSTILE}\x1b[31m")
        )

    def add_hostile(self) -> None:
        """What somebody might send who means no good."""
        hostile = plugin(f"{HOSTILE}\x1b[31m\u202e", text=f"'; rm -rf ~; echo '{HOSTILE}")
        self.add("omniglot-5w1s", hostile, 0.6)
        self.add("omniglot-5w1s", plugin("$x^{2$" + "w" * 5000), 0.55)
        for algorithm, number in (("endless", "1e400"), ("nowhere", "NaN"), ("tiny", "5e-324")):
            spent = {"meta_training_s": 12345.0, "peak_memory_mib": 1e17}
            sent = self.add("clinc150-5w1s", algorithm, 0.5, spent=spent)
            _edit(sent, '"meta_training_s": 12345.0', f'"meta_training_s": {number}')
        heavy = self.add("clinc150-5w1s", "heavy", 0.5, spent={"peak_memory_mib": 12345.0})
        _edit(heavy, '"peak_memory_mib": 12345.0', '"peak_memory_mib": 1e300')
        _edit(self.add("clinc150-5w1s", "huge", 0.5), '"steps": 10', f'"steps": {10**400}')
        damaged = self.add("grocery-5w5s", "damaged", 0.9)
        (damaged / "outcomes.parquet").write_bytes(b"nothing")
        unread = self.add("grocery-5w5s", "unread", 0.9)
        (unread / "result.json").write_text(json.dumps({"schema_version": 2, "identity": HOSTILE}))


def _edit(folder: Path, told: str, instead: str) -> None:
    text = (folder / "result.json").read_text()
    assert told in text
    (folder / "result.json").write_text(text.replace(told, instead))


def _failure(message: str) -> FailurePart:
    return FailurePart(
        phase="test",
        message=message,
        exit_code=1,
        signal=None,
        stderr_tail=f"Traceback:\n  {HOSTILE}\x1b[0m\nend",
    )


def _curve(told: Outcomes, budget_s: float) -> Iterator[CurvePoint]:
    final = float(told.scores["accuracy"].mean())
    for fraction in (1 / 16, 1 / 8, 1 / 4, 1 / 2):
        mean = 0.2 + (final - 0.2) * (1 - 0.4 * (1 - fraction) ** 3)
        at_s = fraction * budget_s
        yield CurvePoint(meta_training_s=at_s, mean=mean, low=mean - 0.03, high=mean + 0.03, n_episodes=50)


def _scores(told: Outcomes) -> Iterator[ScorePart]:
    for metric, scores in told.scores.items():
        mean = float(scores.mean())
        yield ScorePart(metric=metric, mean=mean, low=mean - 0.01, high=mean + 0.01, n_episodes=N_EPISODES)


def contents_of_folder(folder: Path) -> Contents:
    stored, problems = read_all(folder)
    return read_contents(stored, problems, RENDERERS, metrics=METRICS, pooled={})


@dataclass(frozen=True)
class Site:
    """A site that was built from results.

    Attributes:
        folder: Where it lies.
        results: The folder of the results.
        contents: What it was built from.
    """

    folder: Path
    results: Path
    contents: Contents

    def page(self, words: str, *, seed: int = 0) -> Path:
        """The one page of a result with a heading and a seed."""
        found = [
            path for path in (self.folder / "results").glob("*.html") if _is(path.read_text(), words, seed)
        ]
        (one,) = found
        return one

    @property
    def hostile_page(self) -> Path:
        """Of the result whose names mean no good."""
        return next(path for path in (self.folder / "results").glob("*.html") if "rm -rf" in path.read_text())


def _is(text: str, words: str, seed: int) -> bool:
    return f"<h1>{words}</h1>" in text and f", seed {seed}, " in text


def build_site(folder: Path, make_record: Callable[..., Record]) -> Site:
    results = Results(folder / "results", make_record)
    results.add_all()
    results.add_hostile()
    contents = contents_of_folder(results.folder)
    write_site(folder / "site", site_files(contents))
    return Site(folder / "site", results.folder, contents)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, make_record: Callable[..., Record]) -> Site:
    """The site of all results."""
    return build_site(tmp_path_factory.mktemp("community"), make_record)


@pytest.fixture(scope="session")
def published(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site of the results that the repository publishes, as `leaderboard publish` makes it."""
    extensions, folder = load_extensions(strict=True), tmp_path_factory.mktemp("published")
    stored, problems = read_all(PUBLISHED)
    contents = read_contents(
        stored,
        problems,
        list(extensions.renderers.values()),
        metrics=extensions.metrics,
        pooled=extensions.pooled_metrics,
    )
    write_site(folder / "site", site_files(contents))
    return Site(folder / "site", PUBLISHED, contents)
