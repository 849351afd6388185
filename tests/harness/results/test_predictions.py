"""The file of predictions: what goes in comes out, and nothing else is taken for it."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from metabench.results.predictions import Predictions, cut, decode, encode, joined

SHAPE = {"n_episodes": 4, "shape": (6, 3)}


def predictions(n_episodes: int = 4) -> Predictions:
    rng = np.random.default_rng(0)
    return Predictions(
        tuple(rng.normal(size=(n_episodes, 6, 3)).astype(np.float32)),
        tuple(rng.integers(3, size=(n_episodes, 6))),
    )


def with_classes() -> Predictions:
    """Two episodes of three of four classes; each label has two queries."""
    labels = (np.array([0, 1, 2, 2, 1, 0]), np.array([2, 2, 1, 1, 0, 0]))
    return Predictions(predictions(2).logits, labels, (("ä", "c", "b"), ("d", "b", "ä")))


def table(**columns: Any) -> pa.Table:
    told = parquet.read_table(pa.BufferReader(encode(predictions())))
    for name, values in columns.items():
        kind = told.schema.field(name)
        told = told.set_column(told.schema.get_field_index(name), kind, pa.array(values, kind.type))
    return told


def content(told: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    parquet.write_table(told, sink)
    return sink.getvalue().to_pybytes()


@pytest.mark.parametrize("n_episodes", [1, 4])
def test_reads_bit_by_bit_what_was_written(n_episodes: int) -> None:
    written = predictions(n_episodes)
    written.logits[0][0] = [np.nan, -np.inf, -0.0]

    read = decode(encode(written), **SHAPE)

    assert {one.dtype for one in read.logits} == {np.dtype(np.float32)}
    assert [one.tobytes() for one in read.logits] == [one.tobytes() for one in written.logits]
    assert {one.dtype for one in read.labels} == {np.dtype(np.int64)}
    np.testing.assert_array_equal(read.labels, written.labels)


def test_episodes_of_several_shapes_are_read_as_they_were_written() -> None:
    rng = np.random.default_rng(0)
    shapes = [(4, 2), (9, 5), (4, 7)]
    logits = tuple(rng.normal(size=shape).astype(np.float32) for shape in shapes)
    labels = tuple(rng.integers(n_way, size=n_query) for n_query, n_way in shapes)

    read = decode(encode(Predictions(logits, labels)), n_episodes=3, shape=None)

    assert [one.shape for one in read.logits] == shapes
    for one, other in zip((*read.logits, *read.labels), (*logits, *labels), strict=True):
        np.testing.assert_array_equal(one, other)


def test_has_a_row_for_each_query_by_episode() -> None:
    told = table()

    assert told.column_names == ["episode", "query", "label", "logits"]
    assert told.slice(7, 1).to_pylist() == [
        {
            "episode": 1,
            "query": 1,
            "label": predictions().labels[1][1],
            "logits": predictions().logits[1][1].tolist(),
        }
    ]


def test_the_same_predictions_make_the_same_bytes() -> None:
    assert encode(predictions()) == encode(predictions())


def test_logits_that_are_a_view_of_others_are_written_as_they_stand() -> None:
    whole = predictions()
    turned = Predictions(*(tuple(one[::-1] for one in part) for part in (whole.logits, whole.labels)))

    np.testing.assert_array_equal(decode(encode(turned), **SHAPE).logits, turned.logits)


def test_classes_are_read_in_the_order_of_their_labels() -> None:
    read = decode(encode(with_classes()), n_episodes=2, shape=(6, 3))

    assert read.classes == with_classes().classes
    assert decode(encode(predictions()), **SHAPE).classes == ()


def test_a_row_names_the_class_of_its_query() -> None:
    told = parquet.read_table(pa.BufferReader(encode(with_classes())))

    assert told.column_names == ["episode", "query", "label", "class", "logits"]
    assert told["class"].to_pylist() == [*"äcbbcä", *"ääbbdd"]


def named(names: list[str | None]) -> pa.Table:
    told = parquet.read_table(pa.BufferReader(encode(with_classes())))
    kind = told.schema.field("class").type
    return told.set_column(3, "class", pa.array(names, pa.string()).dictionary_encode().cast(kind))


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (named([*"äcbbcä", *"ääbbda"]), "labels do not stand for one class each"),
        (named([*"äcbbcä", *"ääbbd", None]), "has empty cells"),
        (named([*"äcbbcä"] * 2).set_column(3, "class", pa.array([*"äcbbcä"] * 2)), "has columns"),
        (
            named([*"äcbbcä"] * 2).set_column(2, "label", pa.array([0, 1, 1, 1, 1, 0] * 2)),
            "labels do not stand for one class each",
        ),
    ],
    ids=["two of one label", "no name", "no dictionary", "a label without a query"],
)
def test_refuses_classes_that_are_none(told: pa.Table, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(content(told), n_episodes=2, shape=(6, 3))


@pytest.mark.parametrize("garbage", [b"", b"PAR1", b"no parquet at all", encode(predictions())[:-9]])
def test_refuses_what_is_no_parquet(garbage: bytes) -> None:
    with pytest.raises(ValueError, match=r"^is no Parquet file$"):
        decode(garbage, **SHAPE)


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (table().drop_columns("label"), "has columns .*'logits'.; expected"),
        (table().set_column(2, "label", pa.array([0.0] * 24)), "has columns"),
        (table().slice(0, 0), "has 0 rows; expected those of 4 episodes"),
        (table().slice(0, 23), "episodes of other shapes; expected 6 queries with 3 logits each"),
        (pa.concat_tables([table(), table()]), "rows out of order"),
        (table(episode=[4] * 24), "has episodes 4 … 4; expected 0 … 3"),
        (table(episode=[-1] * 24), "has episodes -1"),
        (table(episode=[3] * 24), "rows out of order"),
        (table().take(list(range(23, -1, -1))), "rows out of order"),
        (table(query=[None] * 24), "has empty cells"),
        (table(label=[3] * 24), "has labels 3 … 3; expected 0 … n_way − 1"),
        (table(label=[-1] * 24), "has labels -1"),
        (table(logits=[[1.0, 2.0]] * 24), "episodes of other shapes; expected 6 queries with 3 logits"),
        (table(logits=[[1.0, 2.0, None]] * 24), "queries differ in their logits"),
        (table(logits=[[1.0] * 2, [1.0] * 4] * 12), "queries differ in their logits"),
        (table(logits=[[]] * 24), "queries differ in their logits"),
    ],
)
def test_refuses_rows_that_are_no_predictions(told: pa.Table, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        decode(content(told), **SHAPE)


def test_parts_are_cut_as_they_were_joined() -> None:
    parts = [predictions(2), predictions(1), predictions(3)]

    for one, other in zip(cut(joined(parts), [2, 1, 3]), parts, strict=True):
        np.testing.assert_array_equal(one.logits, other.logits)
        np.testing.assert_array_equal(one.labels, other.labels)


@pytest.mark.parametrize("counts", [[], [4], [3, 3], [7]])
def test_parts_that_do_not_add_up_are_refused(counts: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"has 5 episodes; expected {sum(counts)}"):
        cut(predictions(5), counts)
