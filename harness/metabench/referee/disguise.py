"""Ask episodes in an order that only the referee knows, and put the answers back in order.

The stream of meta_test episodes is public, so that anybody can verify a result. A contestant that knew
it could read the labels off it; therefore each run permutes classes, queries and examples by a secret of
this machine. The secret and the run's identity give the order, so the same run gets the same questions.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.episodes.stream import Stream, named_stream
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.episodes.sampler import EpisodeIndices

_KEY_BYTES = 32


@dataclass(frozen=True)
class Batch:
    """Episodes of one shape as a contestant sees them.

    Attributes:
        support: (n_episodes, n_support) numbers of examples.
        support_labels: (n_episodes, n_support), permuted classes.
        query: (n_episodes, n_query_total), shuffled.
        label_order: (n_episodes, n_way); canonical class c is shown as label_order[c].
        query_order: (n_episodes, n_query_total); shown query k is canonical query query_order[k].
    """

    support: NDArray[np.int64]
    support_labels: NDArray[np.int64]
    query: NDArray[np.int64]
    label_order: NDArray[np.int64]
    query_order: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.support)

    @property
    def n_way(self) -> int:
        """Classes per episode."""
        return int(self.label_order.shape[1])

    def first(self, count: int) -> Batch:
        """Its first episodes."""
        return self._rows(slice(count))

    def alone(self, index: int) -> Batch:
        """One of its episodes."""
        return self._rows(slice(index, index + 1))

    def _rows(self, rows: slice) -> Batch:
        parts = (self.support, self.support_labels, self.query, self.label_order, self.query_order)
        return Batch(*(part[rows] for part in parts))

    def reveal(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put answers back into canonical order; both (n_episodes, n_query_total, n_way)."""
        columns = np.take_along_axis(logits, self.label_order[:, None, :], axis=2)
        revealed = np.empty_like(columns)
        np.put_along_axis(revealed, self.query_order[:, :, None], columns, axis=1)
        return revealed


@dataclass(frozen=True)
class Questions:
    """All episodes of a run as its contestants see them.

    Attributes:
        examples: (n_shown,), numbers in the pool of the examples that batches name, in secret order.
        batches: In the order of the benchmark.
    """

    examples: NDArray[np.int64]
    batches: tuple[Batch, ...]

    def __len__(self) -> int:
        """Number of episodes."""
        return sum(map(len, self.batches))

    def first(self, count: int) -> Questions:
        """Its first episodes, about the same examples."""
        batches: list[Batch] = []
        for batch in self.batches:
            if count > 0:
                batches.append(batch.first(count))
            count -= len(batch)
        return Questions(self.examples, tuple(batches))

    def only(self, numbers: Sequence[int]) -> Questions:
        """Some of its episodes, each in a batch of its own, about the same examples."""
        places = [(batch, index) for batch in self.batches for index in range(len(batch))]
        return Questions(self.examples, tuple(places[one][0].alone(places[one][1]) for one in numbers))


def disguise(batches: Sequence[EpisodeIndices], stream: Stream) -> Questions:
    """Permute classes, supports, queries and examples.

    Args:
        batches: In canonical order.
        stream: The numbers to permute with; only the referee may know them.
    """
    shown = np.unique(np.concatenate([part.ravel() for one in batches for part in (one.support, one.query)]))
    n_episodes = sum(len(batch.support) for batch in batches)
    shown = shown[np.argsort(stream.words(n_episodes, len(shown)), kind="stable")]
    number = np.empty(int(shown.max()) + 1, dtype=np.int64)
    number[shown] = np.arange(len(shown))
    disguised: list[Batch] = []
    first = 0
    for batch in batches:
        disguised.append(_disguise_batch(batch, number, stream, first))
        first += len(batch.support)
    return Questions(shown, tuple(disguised))


def _disguise_batch(batch: EpisodeIndices, number: NDArray[np.int64], stream: Stream, first: int) -> Batch:
    """Permute the episodes `first` … of a stream; `number` gives each example its shown number."""
    n_episodes, n_support = batch.support.shape
    n_queries, n_way = batch.query.shape[1], batch.classes.shape[1]
    count = n_way + n_support + n_queries
    words = np.stack([stream.words(first + index, count) for index in range(n_episodes)])
    labels, supports, queries = (
        np.argsort(part, axis=1, kind="stable")
        for part in np.split(words, [n_way, n_way + n_support], axis=1)
    )
    shown_labels = np.take_along_axis(labels, batch.support_labels, axis=1)
    return Batch(
        support=number[np.take_along_axis(batch.support, supports, axis=1)],
        support_labels=np.take_along_axis(shown_labels, supports, axis=1),
        query=number[np.take_along_axis(batch.query, queries, axis=1)],
        label_order=labels,
        query_order=queries,
    )


def secret_stream(home: Path, identity: str) -> Stream:
    """The stream that disguises one run, from this machine's key and the run's identity."""
    return named_stream(hmac.new(_machine_key(home), identity.encode(), hashlib.sha256).hexdigest())


def fingerprint(stream: Stream) -> str:
    """sha256 of a secret stream's key: tells whether two runs were disguised alike, and nothing else."""
    return hashlib.sha256(b"".join(word.to_bytes(8, "little") for word in stream.key)).hexdigest()


def _machine_key(home: Path) -> bytes:
    """Read this machine's key; the first to ask makes it, whole or not at all.

    Raises:
        DataError: What is there is no key.
    """
    path = home / "machine.key"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        part = home / f".machine.key.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
        try:
            os.link(part, path)
        except FileExistsError:
            pass
        finally:
            part.unlink()
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise DataError(
            f"The machine's key {str(path)!r} has {len(key)} bytes; expected {_KEY_BYTES}. "
            "Delete it, and another one is made."
        )
    return key
