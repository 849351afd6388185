"""Per-episode predictions as a Parquet file: what scores are computed from, again and again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SCHEMA = pa.schema(
    [
        ("episode", pa.int64()),
        ("query", pa.int64()),
        ("label", pa.int64()),
        ("logits", pa.list_(pa.float32())),
    ]
)


@dataclass(frozen=True)
class Predictions:
    """What a learner answered, and what would have been right.

    Attributes:
        logits: (n_episodes, n_query, n_way) float32; n_query counts the queries of the whole episode.
        labels: (n_episodes, n_query) int64, 0 … n_way − 1.
    """

    logits: NDArray[np.float32]
    labels: NDArray[np.int64]


def encode(predictions: Predictions) -> bytes:
    """Write a Parquet file: a row for each query, by episode, then by query."""
    n_episodes, n_query, n_way = predictions.logits.shape
    episodes, queries = _row_order(n_episodes, n_query)
    offsets = np.arange(0, n_way * (n_episodes * n_query + 1), n_way, dtype=np.int32)
    values = pa.array(predictions.logits.reshape(-1), pa.float32())
    columns = [
        episodes,
        queries,
        pa.array(predictions.labels.reshape(-1), pa.int64()),
        pa.ListArray.from_arrays(offsets, values),
    ]
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.table(columns, schema=_SCHEMA), sink, compression="zstd")
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(content: bytes, *, n_episodes: int, n_query: int, n_way: int) -> Predictions:
    """Read what `encode` wrote; nothing of it is believed, as it may come from a stranger.

    Args:
        content: Of the file.
        n_episodes: The most episodes that it may have; a run that was cut short has fewer.
        n_query: Queries per episode, of all classes.
        n_way: Classes per episode.

    Raises:
        ValueError: It is no such file; the message is half a line that says why.
    """
    try:
        file = parquet.ParquetFile(pa.BufferReader(content))
        if not file.schema_arrow.equals(_SCHEMA):
            raise ValueError(
                f"has columns {file.schema_arrow.names}; expected {_SCHEMA.names} of their types"
            )
        n_read = _count_episodes(file.metadata.num_rows, n_episodes, n_query)
        table = file.read()
    except (pa.ArrowException, OSError) as error:
        raise ValueError("is no Parquet file") from error
    if any(column.null_count for column in table.columns):
        raise ValueError("has empty cells")
    _check_order(table, n_read, n_query)
    return Predictions(
        logits=_logits(table, n_way).reshape(n_read, n_query, n_way),
        labels=_labels(table, n_way).reshape(n_read, n_query),
    )


def _row_order(n_episodes: int, n_query: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The columns `episode` and `query`, each (n_episodes * n_query,)."""
    return np.repeat(np.arange(n_episodes), n_query), np.tile(np.arange(n_query), n_episodes)


def _count_episodes(n_rows: int, n_episodes: int, n_query: int) -> int:
    found, rest = divmod(n_rows, n_query)
    if rest or not 1 <= found <= n_episodes:
        raise ValueError(f"has {n_rows} rows; expected {n_query} for each of at most {n_episodes} episodes")
    return found


def _check_order(table: pa.Table, n_episodes: int, n_query: int) -> None:
    found = table["episode"].to_numpy(), table["query"].to_numpy()
    if not np.array_equal(found, _row_order(n_episodes, n_query)):
        raise ValueError("has rows out of order; expected them by episode and query")


def _labels(table: pa.Table, n_way: int) -> NDArray[np.int64]:
    labels: NDArray[np.int64] = table["label"].to_numpy()
    if labels.min() < 0 or labels.max() >= n_way:
        raise ValueError(f"has labels {labels.min()} … {labels.max()}; expected 0 … {n_way - 1}")
    return labels


def _logits(table: pa.Table, n_way: int) -> NDArray[np.float32]:
    lists = table["logits"].combine_chunks()
    lengths, values = lists.value_lengths().to_numpy(zero_copy_only=False), lists.flatten()
    if not np.all(lengths == n_way) or values.null_count:
        raise ValueError(f"has queries without {n_way} logits")
    logits: NDArray[np.float32] = values.to_numpy()
    return logits
