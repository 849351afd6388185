"""What is published in `leaderboards/` verifies, and its tables are those that the program makes of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from metabench.data.places import Places
from metabench.discovery.trusted import load_extensions
from metabench.leaderboards.published import RESULTS, tables
from metabench.referee.events import Listener
from metabench.results.files import RECORD_FILE
from metabench.results.folder import read_all, visible
from metabench.verification.machine import Machine
from metabench.verification.result import Depth, verify_result

FOLDER = Path(__file__).parents[1] / "leaderboards"
BUNDLES = visible(FOLDER / RESULTS)


@pytest.fixture(scope="module")
def extensions():
    return load_extensions(strict=True)


@pytest.fixture(scope="module")
def machine(extensions, tmp_path_factory) -> Machine:
    """A machine with the embedded datasets."""
    places = Places(tmp_path_factory.mktemp("home"), None)
    return Machine(
        metrics=extensions.metrics,
        pooled=extensions.pooled_metrics,
        datasets=extensions.datasets,
        places=places,
        plugins=Path(),
        device="cpu",
        n_threads=1,
        listener=Listener(),
    )


def test_tables_are_those_that_the_program_makes(extensions) -> None:
    stored, problems = read_all(FOLDER / RESULTS)
    made = tables(stored, extensions.renderers["markdown"], extensions.metrics)
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}

    assert problems == []
    assert found.keys() == made.keys()
    assert {name for name in made if found[name] != made[name]} == set(), "run `metabench leaderboard add`"


@pytest.mark.parametrize("bundle", BUNDLES, ids=lambda bundle: bundle.name)
def test_what_is_published_verifies(bundle: Path, machine: Machine) -> None:
    found = list(verify_result(bundle, machine, Depth()))
    assert [problem for one in found for problem in one.problems] == []
    assert {path.name for path in bundle.iterdir()} <= {RECORD_FILE, "outcomes.parquet"}


@pytest.mark.parametrize("modality", ["image", "text"])
def test_eight_methods_and_more_are_published_on_two_benchmarks(extensions, modality: str) -> None:
    algorithms: dict[str, set[str]] = {}
    for one in read_all(FOLDER / RESULTS)[0]:
        part = one.record.benchmark
        if extensions.datasets[part.dataset.name].modality == modality:
            algorithms.setdefault(part.name, set()).add(one.record.algorithm.name)

    assert sum(len(names) >= 8 for names in algorithms.values()) >= 2
