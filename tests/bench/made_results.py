"""Results of runs that never took place, as many as one likes, in the files of those that did.

They are the run of `record.json` over and over, with other names, scores and costs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from metabench.results.files import OUTCOMES_FILE, RECORD_FILE, contents_of
from metabench.results.folder import folder_name
from metabench.results.identity import IdentityParts
from metabench.results.outcomes import Outcomes
from metabench.results.record import BenchmarkPart, Record, ScorePart
from metabench.results.schema import read_any
from metabench.results.seal import sealed
from metabench.scoring.interval import mean_interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BENCHMARKS, N_SEEDS = 20, 5
N_CLASSES, N_WAY, N_QUERY = 423, 5, 15
# As many as the calibration error has, of which a good method needs but a few.
N_SUMS, N_SUMS_USED = 16, 4
_REAL_RUN = Path(__file__).with_name("record.json")


@dataclass(frozen=True)
class MadeBenchmark:
    """A benchmark, the classes of its episodes, and how easy each episode is."""

    part: BenchmarkPart
    classes: tuple[tuple[str, ...], ...]
    ease: NDArray[np.float64]

    @classmethod
    def drawn(cls, real: BenchmarkPart, number: int, rng: np.random.Generator) -> MadeBenchmark:
        drawn = [rng.choice(N_CLASSES, N_WAY, replace=False).tolist() for _ in range(real.n_episodes)]
        classes = tuple(tuple(f"alphabet/character{one:03}" for one in episode) for episode in drawn)
        name, manifest_hash = f"made{number}-5w1s", hashlib.sha256(repr(classes).encode()).hexdigest()
        part = real.model_copy(update={"name": name, "manifest_hash": manifest_hash})
        return cls(part, classes, rng.normal(0, 0.05, real.n_episodes))


def write_results(folder: Path, n_results: int) -> None:
    """Fill a new folder: a method's seeds on one benchmark after the other, then the next method.

    Nothing waits for the disk here, as `metabench.results.folder.write_result` does for each file.
    """
    folder.mkdir()
    for record, outcomes in islice(_made(read_any(_REAL_RUN.read_bytes())), n_results):
        place = folder / folder_name(record)
        place.mkdir()
        (place / OUTCOMES_FILE).write_bytes(outcomes)
        (place / RECORD_FILE).write_bytes(sealed(record))


def _made(real: Record) -> Iterator[tuple[Record, bytes]]:
    """Records without end, each with the content of its file of outcomes."""
    rng = np.random.default_rng(0)
    benchmarks = [MadeBenchmark.drawn(real.benchmark, number, rng) for number in range(N_BENCHMARKS)]
    for method in count():
        told = {"name": f"method-{method}", "source_hash": f"{method:064x}"}
        record = real.model_copy(update={"algorithm": real.algorithm.model_copy(update=told)})
        for benchmark in benchmarks:
            skill = rng.uniform(0.5, 0.95)
            for seed in range(N_SEEDS):
                outcomes = _outcomes(benchmark, skill + rng.normal(0, 0.01), rng)
                cost = {"meta_training_s": round(10 ** rng.normal(2.4, 0.02), 3)}
                spent = record.spent.model_copy(update=cost)
                changes = {"benchmark": benchmark.part, "seed": seed, "spent": spent}
                yield _with_outcomes(record.model_copy(update=changes), outcomes)


def _outcomes(benchmark: MadeBenchmark, skill: float, rng: np.random.Generator) -> Outcomes:
    n_episodes = len(benchmark.classes)
    right = skill + benchmark.ease[:, np.newaxis] + rng.normal(0, 0.06, (n_episodes, N_WAY))
    by_class = np.clip(right * N_QUERY, 0, N_QUERY).round() / N_QUERY
    accuracy, chance = by_class.mean(axis=1), 1 / N_WAY
    sums = np.zeros((n_episodes, N_SUMS))
    sums[:, -N_SUMS_USED:] = rng.normal(0, 0.3, (n_episodes, N_SUMS_USED))
    sums[:, -1] = N_WAY * N_QUERY
    scores = {
        "accuracy": accuracy,
        "chance-normalised": (accuracy - chance) / (1 - chance),
        "macro-f1": 0.99 * accuracy,
        "nll": 1 - accuracy,
    }
    guessing = np.full(n_episodes, chance)
    return Outcomes(scores, guessing, benchmark.classes, tuple(by_class), {"calibration-error": sums})


def _with_outcomes(record: Record, outcomes: Outcomes) -> tuple[Record, bytes]:
    content = contents_of(outcomes=outcomes)[OUTCOMES_FILE]
    changes = {
        "identity": IdentityParts.of(record).identity(),
        "scores": tuple(_score(*one) for one in outcomes.scores.items()),
        "files": record.files | {OUTCOMES_FILE: hashlib.sha256(content).hexdigest()},
    }
    return record.model_copy(update=changes), content


def _score(metric: str, scores: NDArray[np.float64]) -> ScorePart:
    interval = mean_interval(scores)
    return ScorePart(
        metric=metric, mean=interval.mean, low=interval.low, high=interval.high, n_episodes=len(scores)
    )
