"""What came of each episode, as a small Parquet file: enough to compare methods, without their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from metabench.scoring.metric import score_episodes
from metabench.scoring.pooled import sum_episodes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from metabench.results.predictions import Predictions
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric

_FIXED = (
    pa.field("episode", pa.int64()),
    pa.field("classes", pa.list_(pa.string())),
    pa.field("class_scores", pa.list_(pa.float64())),
    pa.field("guessing", pa.float64()),
)
# In memory as in the file, each name once: few bytes can repeat a long one very often.
_CLASSES = pa.field("classes", pa.list_(pa.dictionary(pa.int32(), pa.string())))
_NAMES = "classes.list.element"
# What a file of few bytes may say that it unfolds to. 20,000 episodes of 50 classes have fewer values.
_MOST_VALUES, _MOST_BYTES = 2_500_000, 2**26
# Before the name of a metric, so that none can be taken for another column.
_SCORE = "score:"
_SUMS = "sums:"


@dataclass(frozen=True)
class Outcomes:
    """What came of each meta_test episode, in canonical order.

    Attributes:
        scores: By name of a metric, (n_episodes,).
        guessing: (n_episodes,) what equal logits for all classes score there, by the metric that ranks.
        classes: (n_way,) each, the names of an episode's classes; empty where they are not told.
        class_scores: (n_way,) each, the metric that ranks over the queries of one class; empty likewise.
        sums: By name of a pooled metric, (n_episodes, n_sums) what each episode adds to it.
    """

    scores: Mapping[str, NDArray[np.float64]]
    guessing: NDArray[np.float64]
    classes: tuple[tuple[str, ...], ...] = ()
    class_scores: tuple[NDArray[np.float64], ...] = ()
    sums: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)


def outcomes_of(
    predictions: Predictions, metrics: Sequence[Metric], pooled: Iterable[PooledMetric] = ()
) -> Outcomes:
    """Score predictions.

    Args:
        predictions: Of all episodes.
        metrics: That ranks, and others.
        pooled: Metrics of which each episode has a part.
    """
    ranking, logits, labels = metrics[0], predictions.logits, predictions.labels
    equal = [np.zeros_like(one) for one in logits]
    return Outcomes(
        scores={metric.name: score_episodes(metric, logits, labels) for metric in metrics},
        guessing=score_episodes(ranking, equal, labels),
        classes=predictions.classes,
        class_scores=tuple(
            _by_class(ranking, *one) for one in zip(logits, labels, strict=True) if predictions.classes
        ),
        sums={metric.name: sum_episodes(metric, logits, labels) for metric in pooled},
    )


def _by_class(metric: Metric, logits: NDArray[np.float32], labels: NDArray[np.int64]) -> NDArray[np.float64]:
    """(n_way,) the metric over the queries of each class of an episode."""
    of_class = [labels == label for label in range(logits.shape[1])]
    return score_episodes(metric, [logits[one] for one in of_class], [labels[one] for one in of_class])


def encode(outcomes: Outcomes) -> bytes:
    """Write a Parquet file: a row for each episode."""
    n_episodes = len(outcomes.guessing)
    columns = [
        np.arange(n_episodes),
        outcomes.classes or [()] * n_episodes,
        outcomes.class_scores or [()] * n_episodes,
        outcomes.guessing,
        *outcomes.scores.values(),
        *map(list, outcomes.sums.values()),
    ]
    fields = [
        *_FIXED,
        *(pa.field(f"{_SCORE}{name}", pa.float64()) for name in outcomes.scores),
        *(pa.field(f"{_SUMS}{name}", pa.list_(pa.float64())) for name in outcomes.sums),
    ]
    # To begin with a compressed column takes longer than to read one number for each episode.
    compression = {f"{one.name}.list.element": "zstd" for one in fields if pa.types.is_list(one.type)}
    sink, table = pa.BufferOutputStream(), pa.table(columns, schema=pa.schema(fields))
    parquet.write_table(table, sink, compression=compression, write_statistics=False)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def decode(content: bytes, *, n_episodes: int) -> Outcomes:
    """Read what `encode` wrote; nothing of it is believed, as it may come from a stranger.

    Args:
        content: Of the file.
        n_episodes: The most episodes that it may have; a run that was cut short has fewer.

    Raises:
        ValueError: It is no such file; the message is half a line that says why.
    """
    table = _read(content, n_episodes)
    numbers = _checked_numbers(table)
    lists = [table[name].combine_chunks() for name in ("classes", "class_scores")]
    _check_lists(*lists)
    ends = np.cumsum(_numbers(lists[0].value_lengths()))
    return Outcomes(
        scores={name.removeprefix(_SCORE): numbers[name] for name in _named(table.schema, _SCORE)},
        guessing=numbers["guessing"],
        classes=_cut(lists[0].flatten(), ends) if ends[-1] else (),
        class_scores=tuple(np.split(_numbers(lists[1].flatten()), ends[:-1])) if ends[-1] else (),
        sums={name.removeprefix(_SUMS): _sums(table[name]) for name in _named(table.schema, _SUMS)},
    )


def decode_scores(content: bytes, metric: str, *, n_episodes: int) -> Outcomes:
    """Read no more than the scores of one metric, which takes a fraction of the time.

    Args:
        content: Of the file.
        metric: Its name.
        n_episodes: As `decode` takes it.

    Raises:
        ValueError: It is no such file, or has no such scores.
    """
    numbers = _checked_numbers(_read(content, n_episodes, [f"{_SCORE}{metric}"]))
    return Outcomes({metric: numbers[f"{_SCORE}{metric}"]}, numbers["guessing"])


def _read(content: bytes, n_episodes: int, scores: Sequence[str] | None = None) -> pa.Table:
    """All columns, or of scores some and of others those that are numbers."""
    try:
        # Files are small: other threads, and reading ahead, would take longer than they save.
        names = None if scores else [_NAMES]
        file = parquet.ParquetFile(pa.BufferReader(content), pre_buffer=False, read_dictionary=names)
        _check_columns(file.schema_arrow, scores or ())
        if not 1 <= file.metadata.num_rows <= n_episodes:
            raise ValueError(f"has {file.metadata.num_rows} rows; expected those of {n_episodes} episodes")
        _check_size(file.metadata)
        return file.read(scores and ["episode", "guessing", *scores], use_threads=False)
    except (pa.ArrowException, OSError) as error:
        raise ValueError("is no Parquet file") from error


def _check_size(told: parquet.FileMetaData) -> None:
    """Refuse what would fill the memory; a list has as many values as are in it."""
    if told.num_row_groups != 1:
        raise ValueError(f"has {told.num_row_groups} groups of rows; expected one")
    columns = list(map(told.row_group(0).column, range(told.num_columns)))
    n_values = sum(column.num_values for column in columns)
    n_bytes = sum(column.total_uncompressed_size for column in columns)
    if n_values > _MOST_VALUES or n_bytes > _MOST_BYTES:
        expected = f"expected at most {_MOST_VALUES} in {_MOST_BYTES}"
        raise ValueError(f"has {n_values} values in {n_bytes} bytes; {expected}")


def _numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """Numbers without empty cells; as Arrow's `to_numpy` would give them, but that imports pandas."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return np.from_dlpack(whole)


def _named(schema: pa.Schema, prefix: str) -> list[str]:
    return [name for name in schema.names if name.startswith(prefix)]


def _check_columns(schema: pa.Schema, wanted: Sequence[str]) -> None:
    names = _named(schema, _SCORE)
    is_known = schema.equals(_expected(tuple(schema.names), is_whole=not wanted))
    if not names or not set(wanted) <= set(names) or not is_known:
        expected = [*(one.name for one in _FIXED), *wanted]
        raise ValueError(f"has columns {schema.names}; expected {expected}, and scores of metrics")


@lru_cache(maxsize=8)
def _expected(names: tuple[str, ...], *, is_whole: bool) -> pa.Schema:
    """What a file with the columns of these names has, each once, if it is read whole or not.

    Many files have the same.
    """
    once = dict.fromkeys(names)
    fixed = [_CLASSES if is_whole and one.name == _CLASSES.name else one for one in _FIXED]
    scores = [pa.field(name, pa.float64()) for name in once if name.startswith(_SCORE)]
    sums = [pa.field(name, pa.list_(pa.float64())) for name in once if name.startswith(_SUMS)]
    return pa.schema([*fixed, *scores, *sums])


def _checked_numbers(table: pa.Table) -> dict[str, NDArray[np.float64]]:
    """Guessing and scores, by column; refuses rows out of order, empty cells, and scores that are none."""
    if any(column.null_count for column in table.columns):
        raise ValueError("has empty cells")
    if not np.array_equal(_numbers(table["episode"]), np.arange(len(table))):
        raise ValueError("has rows out of order; expected them by episode")
    numbers = {name: _numbers(table[name]) for name in ("guessing", *_named(table.schema, _SCORE))}
    if not all(np.isfinite(one).all() for one in numbers.values()):
        raise ValueError("has a score that is no finite number")
    return numbers


def _check_lists(classes: pa.ListArray, scores: pa.ListArray) -> None:
    """Refuse scores of other classes than an episode has."""
    if classes.flatten().null_count or scores.flatten().null_count:
        raise ValueError("has empty cells")
    if not classes.value_lengths().equals(scores.value_lengths()):
        raise ValueError("has an episode with more or fewer classes than scores of classes")
    if not np.isfinite(_numbers(scores.flatten())).all():
        raise ValueError("has a score that is no finite number")


def _cut(names: pa.DictionaryArray, ends: NDArray[np.int64]) -> tuple[tuple[str, ...], ...]:
    """The names of each episode; all that are equal are one text in memory."""
    told = names.dictionary.to_pylist()
    chosen = [told[one] for one in _numbers(names.indices).tolist()]
    places = ends.tolist()
    return tuple(tuple(chosen[start:end]) for start, end in zip([0, *places], places, strict=False))


def _sums(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """(n_episodes, n_sums), all of them finite, of episodes that have equally many."""
    lists = column.combine_chunks()
    values = lists.flatten()
    if values.null_count or not np.isfinite(_numbers(values)).all():
        raise ValueError("has a sum that is no finite number")
    (n_sums, *others) = lists.value_lengths().unique().to_pylist()
    if others or not n_sums:
        raise ValueError("has episodes with more or fewer sums than others, or with none")
    return _numbers(values).reshape(-1, n_sums)
