"""The file of outcomes: what goes in comes out, and nothing else is taken for it."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from metabench.results.outcomes import Outcomes, decode, decode_scores, encode, outcomes_of
from metabench.results.predictions import Predictions
from metabench.scoring.metric import Metric
from metabench.scoring.pooled import PooledMetric


def share_right(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return (logits.argmax(-1) == labels).mean(-1)


RIGHT = Metric("right", "right", share_right)
WRONG = Metric("wrong", "wrong", lambda logits, labels: 1 - share_right(logits, labels))


def right_and_all(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.stack([(logits.argmax(-1) == labels).sum(-1), np.full(len(labels), labels.shape[1])], -1) * 1.0


POOLED = PooledMetric("share", "share", 2, right_and_all, lambda sums: sums[..., 0] / sums[..., 1])


def predictions() -> Predictions:
    """An episode of two classes and one of three."""
    answers = ([0, 0, 1, 0], [0, 1, 2, 2, 1, 0])
    labels = ([0, 0, 1, 1], [0, 1, 2, 0, 1, 2])
    logits = (np.eye(n_way, dtype=np.float32)[one] for n_way, one in zip((2, 3), answers, strict=True))
    return Predictions(tuple(logits), tuple(map(np.array, labels)), (("a", "ö"), ("ö", "c", "a")))


def outcomes() -> Outcomes:
    return outcomes_of(predictions(), [RIGHT, WRONG], [POOLED])


def test_every_metric_scores_every_episode() -> None:
    told = outcomes()

    assert told.scores["right"].tolist() == [3 / 4, 4 / 6]
    assert told.scores["wrong"].tolist() == [1 / 4, 1 - 4 / 6]
    assert told.sums["share"].tolist() == [[3, 4], [4, 6]]


def test_the_first_metric_scores_guessing_and_each_class_alone() -> None:
    told = outcomes()

    # Of equal logits, this metric takes the first class.
    assert told.guessing.tolist() == [2 / 4, 2 / 6]
    assert told.classes == (("a", "ö"), ("ö", "c", "a"))
    assert [one.tolist() for one in told.class_scores] == [[1.0, 0.5], [0.5, 1.0, 0.5]]


def test_without_classes_there_are_no_scores_of_classes() -> None:
    told = outcomes_of(Predictions(predictions().logits, predictions().labels), [RIGHT])

    read = decode(encode(told), n_episodes=2)
    assert told.classes == told.class_scores == read.classes == read.class_scores == ()
    assert read.scores["right"].tolist() == [3 / 4, 4 / 6]


def test_reads_bit_by_bit_what_was_written() -> None:
    written = outcomes()

    read = decode(encode(written), n_episodes=2)

    assert list(read.scores) == ["right", "wrong"]
    for name, scores in written.scores.items():
        assert read.scores[name].tobytes() == scores.tobytes()
    assert read.guessing.tobytes() == written.guessing.tobytes()
    assert read.sums["share"].tobytes() == written.sums["share"].tobytes()
    assert read.classes == written.classes
    assert [one.tobytes() for one in read.class_scores] == [one.tobytes() for one in written.class_scores]
    assert encode(read) == encode(written)


def test_the_scores_of_one_metric_can_be_read_alone() -> None:
    read = decode_scores(encode(outcomes()), "wrong", n_episodes=2)

    assert list(read.scores) == ["wrong"]
    assert read.scores["wrong"].tolist() == outcomes().scores["wrong"].tolist()
    assert read.guessing.tolist() == outcomes().guessing.tolist()
    with pytest.raises(ValueError, match=r"has columns .*; expected .*'score:other'"):
        decode_scores(encode(outcomes()), "other", n_episodes=2)


def table(**columns: Any) -> pa.Table:
    told = parquet.read_table(pa.BufferReader(encode(outcomes())))
    for name, values in columns.items():
        field = told.schema.field(name.replace("score_", "score:").replace("sums_", "sums:"))
        place = told.schema.get_field_index(field.name)
        told = told.set_column(place, field, pa.array(values, field.type))
    return told


def content(told: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(told, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("garbage", [b"", b"PAR1", encode(outcomes())[:-9]])
def test_refuses_what_is_no_parquet(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"^is no Parquet file$"):
        decode(garbage, n_episodes=2)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (table().drop_columns("guessing"), "has columns .*; expected .*'guessing'., and scores"),
        (table().drop_columns(["score:right", "score:wrong"]), "has columns"),
        (table().append_column("more", pa.array([1.0, 2.0])), "has columns"),
        (table().slice(0, 0), "has 0 rows; expected those of 2 episodes"),
        (pa.concat_tables([table(), table()]), "has 4 rows"),
        (table(episode=[1, 0]), "rows out of order"),
        (table(episode=[0, None]), "has empty cells"),
        (table(guessing=[None, 0.5]), "has empty cells"),
        (table(classes=[["a", None], ["ö", "c", "a"]]), "has empty cells"),
        (table(classes=[["a"], ["ö", "c", "a"]]), "more or fewer classes than scores"),
        (table(score_wrong=[np.nan, 0.5]), "a score that is no finite number"),
        (table(score_wrong=[None, 0.5]), "has empty cells"),
        (table(class_scores=[[np.inf, 0.5], [0.0] * 3]), "a score that is no finite number"),
        (table(sums_share=[[np.nan, 4.0], [4.0, 6.0]]), "a sum that is no finite number"),
        (table(sums_share=[[None, 4.0], [4.0, 6.0]]), "a sum that is no finite number"),
        (table(sums_share=[[3.0], [4.0, 6.0]]), "more or fewer sums than others"),
        (table(sums_share=[[], []]), "or with none"),
        (table(sums_share=[None, [4.0, 6.0]]), "has empty cells"),
    ],
)
def test_refuses_rows_that_are_no_outcomes(told: pa.Table, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(content(told), n_episodes=2)


def repeating(name: str, n_episodes: int, n_way: int) -> bytes:
    """A file of few bytes: all classes of all episodes have this name and score the same."""
    ends = np.arange(n_episodes + 1, dtype=np.int32) * n_way
    places = pa.array(np.zeros(ends[-1], np.int32))
    zeros = np.zeros(n_episodes)
    told = {
        "episode": np.arange(n_episodes),
        "classes": pa.ListArray.from_arrays(ends, pa.DictionaryArray.from_arrays(places, pa.array([name]))),
        "class_scores": pa.ListArray.from_arrays(ends, np.zeros(ends[-1])),
        "guessing": zeros,
        "score:right": zeros,
    }
    sink = pa.BufferOutputStream()
    # Without a schema of Arrow's, names are strings like those of any other file.
    parquet.write_table(pa.table(told), sink, store_schema=False)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (repeating("a", 20_000, 62), r"has 2540000 values in \d+ bytes"),
        (content(table(classes=[["a" * 2**26, "b"], ["c", "d", "e"]])), r"in 671\d+ bytes"),
    ],
    ids=["very many values", "a very long name"],
)
def test_refuses_few_bytes_that_unfold_to_very_many(told: bytes, reason: str) -> None:
    assert len(told) < 2**22

    for read in (decode, partial(decode_scores, metric="right")):
        with pytest.raises(ValueError, match=f"{reason}; expected at most 2500000 in 67108864"):
            read(told, n_episodes=20_000)


def test_a_long_name_that_returns_very_often_is_in_memory_once() -> None:
    """Else these would be 20 GB."""
    read = decode(repeating("a" * 10**6, 200, 100), n_episodes=200)

    assert (len(read.classes), len(read.classes[0])) == (200, 100)
    assert len({id(name) for one in read.classes for name in one}) == 1


def test_refuses_a_column_that_is_there_twice() -> None:
    twice = table().append_column(table().schema.field("sums:share"), table()["sums:share"])

    with pytest.raises(ValueError, match=r"has columns .*'sums:share', 'sums:share'"):
        decode(content(twice), n_episodes=2)


def test_refuses_rows_in_several_groups() -> None:
    sink = pa.BufferOutputStream()
    parquet.write_table(table(), sink, row_group_size=1)

    with pytest.raises(ValueError, match="has 2 groups of rows; expected one"):
        decode(sink.getvalue().to_pybytes(), n_episodes=2)
