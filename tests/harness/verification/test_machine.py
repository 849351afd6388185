"""The machine: benchmarks are made ready once, and what is not here is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metabench.errors import DataError, UsageError


def test_results_of_one_benchmark_share_it(make_result, machine) -> None:
    fresh = replace(machine, _arenas={})
    one, other = (make_result(seed).record.benchmark for seed in (0, 1))

    assert fresh.arena(one) is fresh.arena(other)
    assert fresh.arena(one).part == one


def test_an_unknown_dataset_and_an_impossible_protocol_are_told(result, machine) -> None:
    benchmark = result.record.benchmark

    with pytest.raises(DataError, match="Dataset 'toy' is unknown here"):
        replace(machine, datasets={}, _arenas={}).arena(benchmark)
    with pytest.raises(UsageError, match="Protocol '9w9s' has the parameters"):
        machine.arena(benchmark.model_copy(update={"protocol": "9w9s"}))
