"""Records survive being written and read, and refuse what is none."""

import math

import pytest
from pydantic import ValidationError

from metabench.results.record import (
    BenchmarkPart,
    BudgetPart,
    CurvePoint,
    Record,
    ScorePart,
    SpentPart,
)


def test_a_record_reads_as_it_was_written(make_record) -> None:
    record = make_record(status="timeout", scores=(score(0.5, 0.25, 0.75),))

    assert Record.model_validate_json(record.model_dump_json()) == record


def score(mean: float, low: float, high: float) -> ScorePart:
    return ScorePart(metric="accuracy", mean=mean, low=low, high=high, n_episodes=1)


def test_numbers_that_json_lacks_are_read_back() -> None:
    read = ScorePart.model_validate_json(score(math.nan, -math.inf, math.inf).model_dump_json())

    assert math.isnan(read.mean)
    assert (read.low, read.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("mean", [math.inf, -math.inf, 1e19, -1e19])
def test_a_mean_that_no_sum_can_hold_is_refused(mean: float) -> None:
    with pytest.raises(ValidationError, match="at most 1e18, either way"):
        score(mean, 0.0, 1.0)


@pytest.mark.parametrize("part", ["startup_s", "meta_training_s", "test_s", "processor_s", "peak_memory_mib"])
@pytest.mark.parametrize("absurd", [-1.0, 1e19, math.inf, math.nan])
def test_nothing_costs_less_than_nothing_or_more_than_there_is(make_record, part: str, absurd: float) -> None:
    told = make_record().spent.model_dump() | {part: absurd}

    with pytest.raises(ValidationError, match=part):
        SpentPart.model_validate(told)


@pytest.mark.parametrize(("seconds", "episodes"), [(None, None), (60.0, 10)])
def test_a_budget_is_either_seconds_or_episodes(make_record, seconds, episodes) -> None:
    told = make_record().budget.model_dump() | {"seconds": seconds, "episodes": episodes}

    with pytest.raises(ValidationError, match="either seconds or episodes"):
        BudgetPart.model_validate(told)


def test_other_text_is_no_number() -> None:
    text = score(0.5, 0.5, 0.5).model_dump_json().replace("0.5", '"0.5"', 1)

    with pytest.raises(ValidationError, match="valid number"):
        ScorePart.model_validate_json(text)


@pytest.mark.parametrize(
    ("parameters", "shape"),
    [
        ({"n_way": 5, "n_shot": 1, "n_query": 15}, (75, 5)),
        ({"min_way": 2, "max_way": 20, "n_query": 20}, None),
        ({}, None),
    ],
)
def test_the_shape_of_episodes_is_known_where_they_have_one(make_record, parameters, shape) -> None:
    assert make_record(benchmark={"parameters": parameters}).benchmark.shape == shape


@pytest.mark.parametrize(
    ("absurd", "reason"), [(0, "greater than or equal to 1"), (20_001, "less than or equal to 20000")]
)
def test_a_benchmark_has_some_episodes_and_no_more_than_fit_into_memory(
    make_record, absurd: int, reason: str
) -> None:
    told = make_record().benchmark.model_dump()
    assert BenchmarkPart.model_validate(told | {"n_episodes": 20_000}).n_episodes == 20_000

    with pytest.raises(ValidationError, match=rf"n_episodes\n.*{reason}"):
        BenchmarkPart.model_validate(told | {"n_episodes": absurd})


def test_nothing_is_told_of_more_episodes_than_a_benchmark_has(make_record) -> None:
    point = CurvePoint(meta_training_s=1.0, mean=0.5, low=0.4, high=0.6, n_episodes=1)
    for part in (score(0.5, 0.4, 0.6), point, make_record().audit):
        with pytest.raises(ValidationError, match=r"n_episodes\n.*less than or equal to 20000"):
            type(part).model_validate(part.model_dump() | {"n_episodes": 20_001})
