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
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.episodes.sampler import EpisodeIndices

_KEY_BYTES = 32


@dataclass(frozen=True)
class Questions:
    """Episodes as a contestant sees them: examples by their numbers among `examples`.

    Attributes:
        examples: (n_shown,), numbers of the examples in the pool, in secret order.
        support: (n_episodes, n_support).
        support_labels: (n_episodes, n_support), permuted classes.
        query: (n_episodes, n_query_total), shuffled.
        label_order: (n_episodes, n_way); canonical class c is shown as label_order[c].
        query_order: (n_episodes, n_query_total); shown query k is canonical query query_order[k].
    """

    examples: NDArray[np.int64]
    support: NDArray[np.int64]
    support_labels: NDArray[np.int64]
    query: NDArray[np.int64]
    label_order: NDArray[np.int64]
    query_order: NDArray[np.int64]

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.support)

    def reveal(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put answers back into canonical order.

        Args:
            logits: (n, n_query_total, n_way), the answers to the first n episodes.

        Returns:
            The same, classes and queries in canonical order.
        """
        n = len(logits)
        columns = np.take_along_axis(logits, self.label_order[:n, None, :], axis=2)
        revealed = np.empty_like(columns)
        np.put_along_axis(revealed, self.query_order[:n, :, None], columns, axis=1)
        return revealed

    def conceal(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Put canonical answers into the order that was shown; the inverse of `reveal`."""
        rows = np.take_along_axis(logits, self.query_order[: len(logits), :, None], axis=1)
        shown = np.empty_like(rows)
        np.put_along_axis(shown, self.label_order[: len(logits), None, :], rows, axis=2)
        return shown


def disguise(episodes: EpisodeIndices, stream: Stream) -> Questions:
    """Permute classes, supports, queries and examples.

    Args:
        episodes: In canonical order.
        stream: The numbers to permute with; only the referee may know them.
    """
    n_episodes, n_support = episodes.support.shape
    n_queries, n_way = episodes.query.shape[1], episodes.classes.shape[1]
    words = np.stack([stream.words(index, n_way + n_support + n_queries) for index in range(n_episodes)])
    labels, supports, queries = (
        np.argsort(part, axis=1, kind="stable")
        for part in np.split(words, [n_way, n_way + n_support], axis=1)
    )
    shown = np.unique(np.concatenate([episodes.support.ravel(), episodes.query.ravel()]))
    shown = shown[np.argsort(stream.words(n_episodes, len(shown)), kind="stable")]
    number = np.empty(int(shown.max()) + 1, dtype=np.int64)
    number[shown] = np.arange(len(shown))
    shown_labels = np.take_along_axis(labels, episodes.support_labels, axis=1)
    return Questions(
        examples=shown,
        support=number[np.take_along_axis(episodes.support, supports, axis=1)],
        support_labels=np.take_along_axis(shown_labels, supports, axis=1),
        query=number[np.take_along_axis(episodes.query, queries, axis=1)],
        label_order=labels,
        query_order=queries,
    )


def secret_stream(home: Path, identity: str) -> Stream:
    """The stream that disguises one run, from this machine's key and the run's identity."""
    return named_stream(hmac.new(_machine_key(home), identity.encode(), hashlib.sha256).hexdigest())


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
