"""Records survive being written and read, and refuse what is none."""

import math

import pytest
from pydantic import ValidationError

from metabench.results.record import BenchmarkPart, Record, ScorePart


def test_a_record_reads_as_it_was_written(make_record) -> None:
    record = make_record(status="timeout", scores=(score(0.5, 0.25, 0.75),))

    assert Record.model_validate_json(record.model_dump_json()) == record


def score(mean: float, low: float, high: float) -> ScorePart:
    return ScorePart(metric="accuracy", mean=mean, low=low, high=high, n_episodes=1)


def test_numbers_that_json_lacks_are_read_back() -> None:
    read = ScorePart.model_validate_json(score(math.nan, -math.inf, math.inf).model_dump_json())

    assert math.isnan(read.mean)
    assert (read.low, read.high) == (-math.inf, math.inf)


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


def test_a_benchmark_has_some_episodes(make_record) -> None:
    told = make_record().benchmark.model_dump() | {"n_episodes": 0}

    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        BenchmarkPart.model_validate(told)
