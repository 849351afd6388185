"""Per-episode predictions as a Parquet file: what scores are computed from, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

# Files of old have no classes; nor have those of a curve, whose episodes are the first of the others.
_WITHOUT_CLASSES = pa.schema(
    [
        ("episode", pa.int64()),
        ("query", pa.int64()),
        ("label", pa.int64()),
        ("logits", pa.list_(pa.float32())),
    ]
)
_SCHEMA = _WITHOUT_CLASSES.insert(3, pa.field("class", pa.dictionary(pa.int32(), pa.string())))
# An episode of the largest protocol has 500 queries; a file that claims more rows is not read at all.
_MOST_QUERIES = 10_000


@dataclass(frozen=True)
class Predictions:
    """What a learner answered, and what would have been right; an entry for each episode.

    Attributes:
        logits: (n_query_total, n_way) float32 each.
        labels: (n_query_total,) int64 each, 0 … n_way − 1.
        classes: (n_way,) each, the name of the class that a label stands for; empty where it is not told.
    """

    logits: tuple[NDArray[np.float32], ...]
    labels: tuple[NDArray[np.int64], ...]
    classes: tuple[tuple[str, ...], ...] = ()


def encode(predictions: Predictions) -> bytes:
    """Write a Parquet file: a row for each query, by episode, then by query."""
    episodes, queries = _row_order([len(labels) for labels in predictions.labels])
    ways = np.repeat(*_ways_and_counts(predictions.logits))
    values = np.concatenate([logits.reshape(-1) for logits in predictions.logits])
    table = pa.table(
        [
            episodes,
            queries,
            pa.array(np.concatenate(predictions.labels), pa.int64()),
            pa.ListArray.from_arrays(np.cumsum([0, *ways], dtype=np.int32), pa.array(values, pa.float32())),
        ],
        schema=_WITHOUT_CLASSES,
    )
    if predictions.classes:
        table = table.add_column(3, _SCHEMA.field("class"), _class_column(predictions))
    sink = pa.BufferOutputStream()
    parquet.write_table(table, sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(content: bytes, *, n_episodes: int, shape: tuple[int, int] | None) -> Predictions:
    """Read what `encode` wrote; nothing of it is believed, as it may come from a stranger.

    Args:
        content: Of the file.
        n_episodes: The most episodes that it may have; a run that was cut short has fewer.
        shape: (n_query_total, n_way) of every episode; None where they vary.

    Raises:
        ValueError: It is no such file; the message is half a line that says why.
    """
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        if not any(map(file.schema_arrow.equals, (_SCHEMA, _WITHOUT_CLASSES))):
            raise ValueError(
                f"has columns {file.schema_arrow.names}; expected {_SCHEMA.names} of their types"
            )
        if not 1 <= file.metadata.num_rows <= n_episodes * _MOST_QUERIES:
            raise ValueError(f"has {file.metadata.num_rows} rows; expected those of {n_episodes} episodes")
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError("is no Parquet file") from error
    if any(column.null_count for column in table.columns):
        raise ValueError("has empty cells")
    counts = _queries_per_episode(table, n_episodes)
    ways, values = _logits(table, counts)
    if shape is not None:
        _check_shape(counts, ways, shape)
    labels = _labels(table, np.repeat(ways, counts))
    ends = np.cumsum(counts)[:-1]
    logits = np.split(values, np.cumsum(counts * ways)[:-1])
    return Predictions(
        logits=tuple(one.reshape(-1, way) for one, way in zip(logits, ways, strict=True)),
        labels=tuple(np.split(labels, ends)),
        classes=_classes(table, labels, ways) if "class" in table.column_names else (),
    )


def joined(parts: Sequence[Predictions]) -> Predictions:
    """Put predictions one after the other, without their classes."""
    return Predictions(
        logits=tuple(one for part in parts for one in part.logits),
        labels=tuple(one for part in parts for one in part.labels),
    )


def cut(predictions: Predictions, counts: Sequence[int]) -> list[Predictions]:
    """Undo `joined`.

    Args:
        predictions: Of all parts.
        counts: Episodes of each part.

    Raises:
        ValueError: They do not add up.
    """
    if sum(counts) != len(predictions.logits):
        raise ValueError(f"has {len(predictions.logits)} episodes; expected {sum(counts)}")
    starts = [sum(counts[:place]) for place in range(len(counts))]
    return [
        Predictions(predictions.logits[one : one + count], predictions.labels[one : one + count])
        for one, count in zip(starts, counts, strict=True)
    ]


def _row_order(counts: Sequence[int] | NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The columns `episode` and `query` for so many queries per episode."""
    return np.repeat(np.arange(len(counts)), counts), np.concatenate([np.arange(count) for count in counts])


def _ways_and_counts(logits: Sequence[NDArray[np.float32]]) -> tuple[list[int], list[int]]:
    return [one.shape[1] for one in logits], [one.shape[0] for one in logits]


def _queries_per_episode(table: pa.Table, n_episodes: int) -> NDArray[np.int64]:
    """Count the queries of each episode, once the rows are known to be in order."""
    episodes, queries = table["episode"].to_numpy(), table["query"].to_numpy()
    if episodes.min() < 0 or episodes.max() >= n_episodes:
        raise ValueError(f"has episodes {episodes.min()} … {episodes.max()}; expected 0 … {n_episodes - 1}")
    counts = np.bincount(episodes)
    if not counts.all() or not all(map(np.array_equal, _row_order(counts), (episodes, queries))):
        raise ValueError("has rows out of order; expected them by episode and query")
    return counts


def _check_shape(counts: NDArray[np.int64], ways: NDArray[np.int64], shape: tuple[int, int]) -> None:
    n_query, n_way = shape
    if (counts != n_query).any() or (ways != n_way).any():
        raise ValueError(f"has episodes of other shapes; expected {n_query} queries with {n_way} logits each")


def _labels(table: pa.Table, ways: NDArray[np.int64]) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = table["label"].to_numpy()
    if labels.min() < 0 or (labels >= ways).any():
        raise ValueError(f"has labels {labels.min()} … {labels.max()}; expected 0 … n_way − 1")
    return labels


def _logits(table: pa.Table, counts: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Ways of each episode, and all logits one after the other."""
    lists = table["logits"].combine_chunks()
    lengths, values = lists.value_lengths().to_numpy(zero_copy_only=False), lists.flatten()
    ways = lengths[np.cumsum(counts) - 1].astype(np.int64)
    if not np.array_equal(lengths, np.repeat(ways, counts)) or values.null_count or (ways < 1).any():
        raise ValueError("has an episode whose queries differ in their logits")
    logits: NDArray[np.float32] = values.to_numpy()
    return ways, logits


def _class_column(predictions: Predictions) -> pa.DictionaryArray:
    """The class of each query."""
    names = sorted({name for one in predictions.classes for name in one})
    number = {name: place for place, name in enumerate(names)}
    numbers = [
        np.array([number[name] for name in one], np.int32)[labels]
        for one, labels in zip(predictions.classes, predictions.labels, strict=True)
    ]
    return pa.DictionaryArray.from_arrays(np.concatenate(numbers), pa.array(names, pa.string()))


def _classes(
    table: pa.Table, labels: NDArray[np.int64], ways: NDArray[np.int64]
) -> tuple[tuple[str, ...], ...]:
    """The classes of each episode, in the order of its labels."""
    column = table["class"].unify_dictionaries().combine_chunks()
    numbers: NDArray[np.int32] = column.indices.to_numpy()
    starts = np.cumsum(ways) - ways
    # Every label of every episode has a place of its own.
    places = starts[table["episode"].to_numpy()] + labels
    found = np.full(int(ways.sum()), -1, dtype=np.int32)
    found[places] = numbers
    if (found < 0).any() or not np.array_equal(found[places], numbers):
        raise ValueError("has an episode whose labels do not stand for one class each")
    names = column.dictionary.to_pylist()
    told = [names[one] for one in found]
    return tuple(
        tuple(told[start : start + way]) for start, way in zip(starts.tolist(), ways.tolist(), strict=True)
    )
