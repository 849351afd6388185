"""What docstrings expect is what published runs of five minutes gave."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import pytest

from metabench.discovery.contestants import installed
from metabench.leaderboards.published import RESULTS
from metabench.results.folder import read_all
from metabench.results.record import Record

FOLDER = Path(__file__).parents[3] / "leaderboards"
TOLD = re.compile(r"([\w-]+-\d+w\d+s), ([\w:-]+): (\d+\.\d\d) % \[(\d+\.\d\d), (\d+\.\d\d)\]")
PUBLISHED = [one.record for one in read_all(FOLDER / RESULTS)[0]]


def expected_by(docstring: str) -> set[tuple[str, ...]]:
    """Benchmark, backbone, accuracy and interval in %, of every run that is told of."""
    _, _, told = " ".join(docstring.split()).partition("Expected: ")
    return set(TOLD.findall(told))


def shown(record: Record) -> tuple[str, ...]:
    score = record.scores[0]
    numbers = (f"{100 * one:.2f}" for one in (score.mean, score.low, score.high))
    return (record.benchmark.name, record.backbone.name, *numbers)


def runs_of(algorithm: str) -> set[tuple[str, ...]]:
    return {
        shown(one)
        for one in PUBLISHED
        if (one.algorithm.distribution, one.algorithm.name) == ("metabench", algorithm)
        and one.budget.seconds == 300
        and one.scores
    }


def test_the_numbers_of_a_docstring_are_found() -> None:
    told = "Text.\n\nExpected: x-5w1s, conv4:\n97.98 % [97.69, 98.28]; y-10w1s, hf:m-l: 1.00 % [0.50, 1.50]."

    assert expected_by(told) == {
        ("x-5w1s", "conv4", "97.98", "97.69", "98.28"),
        ("y-10w1s", "hf:m-l", "1.00", "0.50", "1.50"),
    }


@pytest.mark.parametrize("plugin", installed("algorithm"), ids=lambda plugin: plugin.name)
def test_every_docstring_tells_what_the_published_runs_gave(plugin) -> None:
    method = getattr(importlib.import_module(plugin.module), plugin.class_name)

    assert expected_by(inspect.getdoc(method) or "") == runs_of(plugin.name)
