"""MANN: a controller that writes an episode into an external memory and reads it by content."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._in_context import InContextLearner, feature_embedding

# Shorter rows are compared as if they had this length: soft writes touch every row a little, and the
# cosine with the faintest one would count in full.
_FAINT = 0.5
# What gates are the sigmoids of, at first: rows that are not in use are written.
_FIRST_GATE = -2.0


@dataclass(frozen=True)
class Memory:
    """What is carried from one time to the next, for n sequences.

    Attributes:
        rows: (n, n_rows, row_width).
        usage: How much rows were read and written of late, (n, n_rows).
        read_weights: Where each head has read last, (n, n_heads, n_rows).
        read: What the heads have read there, (n, n_heads · row_width).
        hidden: Of the controller, (n, n_hidden).
        cell: Of the controller, (n, n_hidden).
    """

    rows: Tensor
    usage: Tensor
    read_weights: Tensor
    read: Tensor
    hidden: Tensor
    cell: Tensor


@dataclass(frozen=True)
class Thought:
    """What the controller makes of m inputs that come at the same time, for n sequences.

    Attributes:
        hidden: (n, m, n_hidden).
        cell: (n, m, n_hidden).
        keys: Of length 1, (n, m, n_heads, row_width).
    """

    hidden: Tensor
    cell: Tensor
    keys: Tensor


class MANN(InContextLearner):
    """Write the support into a memory, then read it for each query. Santoro et al. 2016.

    Each query ends a sequence of its own: it is read for from the memory that the support has left.

    Source: Santoro et al., "Meta-Learning with Memory-Augmented Neural Networks", ICML 2016, section 3.

    Differs from the paper: inputs are the features of a backbone, normalised, where it has pixels; a label
    comes together with its example, where the paper shows it one time later, as nothing is asked about the
    support; each time reads before it writes, so that no query finds itself; keys have length 1, cosines are
    multiplied before the softmax, and rows that are hardly written count as less similar, since otherwise all
    rows are read nearly alike; each head has one of the least used rows to itself; labels are embedded; the
    gates of writing are outputs of the controller, each for its head and time, and start at −2; many episodes
    are made of the features of one that has more classes; Adam with cosine decay where it has RMSProp.

    Expected: omniglot-5w1s, conv4: 92.72 % [92.14, 93.29], by `metabench evaluate mann --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. clinc150-10w1s, bilstm: 47.58 % [46.82, 48.33], by `metabench
    evaluate mann --benchmark clinc150-10w1s --budget 5m`: no more than a bag of words has (`centroid` on
    `bag`: 48.38), as the budget ends while it still learns; in that run accuracy on the first 60 episodes is
    39.9 % after a sixteenth of the budget and 46.9 % after half.
    """

    embedding_width: int = option(64, "size of the embeddings of features and of labels", at_least=2)
    n_hidden: int = option(200, "units of the controller", at_least=1)
    n_rows: int = option(128, "rows of the memory", at_least=1)
    row_width: int = option(40, "numbers in a row", at_least=1)
    n_heads: int = option(4, "heads that read and write, at most `n_rows`", at_least=1)
    usage_decay: float = option(0.99, "what remains of a row's usage at the next time", at_least=0, at_most=1)
    strength: float = option(20.0, "factor of the cosines under the softmax of reading", at_least=0)

    outer_lr: float = option(
        2e-3, "learning rate of Adam over episodes, decayed to 0 by a cosine", at_least=0
    )

    def setup(self) -> None:
        """Make embeddings and the controller with its outputs.

        Raises:
            ValueError: There are more heads than rows.
        """
        if self.n_heads > self.n_rows:
            raise ValueError(
                f"n_heads of mann is {self.n_heads}; expected at most n_rows ({self.n_rows}). Set more rows."
            )
        super().setup()
        n_read = self.n_heads * self.row_width
        self.embed_features = feature_embedding(self.backbone.n_features, self.embedding_width)
        self.embed_labels = nn.Embedding(self.most_way, self.embedding_width)
        self.controller = nn.LSTMCell(2 * self.embedding_width + n_read, self.n_hidden)
        self.to_keys = nn.Linear(self.n_hidden, n_read)
        self.to_gates = nn.Linear(self.n_hidden, self.n_heads)
        nn.init.constant_(self.to_gates.bias, _FIRST_GATE)
        self.head = nn.Linear(self.n_hidden + n_read, self.most_way)

    def predict(self, episodes: Episodes) -> Tensor:
        """Take in the support one by one, then read for the queries.

        Returns:
            Logits, (n_episodes, n_query_total, n_way).
        """
        assert isinstance(episodes.support, Tensor)
        assert isinstance(episodes.query, Tensor)
        examples = self.embed_features(torch.cat([episodes.support, episodes.query], dim=1))
        labels = self.embed_labels(episodes.support_labels)
        memory = self.blank(labels)
        for given in torch.cat([examples[:, : episodes.n_support], labels], dim=2).unbind(1):
            memory = self.step(given, memory)
        queries = functional.pad(examples[:, episodes.n_support :], (0, self.embedding_width))
        thought = self.think(queries, memory)
        read, _ = self.read(thought.keys, memory.rows)
        logits: Tensor = self.head(torch.cat([thought.hidden, read], dim=2))
        return logits[..., : episodes.n_way]

    def blank(self, like: Tensor) -> Memory:
        """Zeros for each row of some tensor, of its kind."""
        n = len(like)
        return Memory(
            rows=like.new_zeros(n, self.n_rows, self.row_width),
            usage=like.new_zeros(n, self.n_rows),
            read_weights=like.new_zeros(n, self.n_heads, self.n_rows),
            read=like.new_zeros(n, self.n_heads * self.row_width),
            hidden=like.new_zeros(n, self.n_hidden),
            cell=like.new_zeros(n, self.n_hidden),
        )

    def step(self, given: Tensor, memory: Memory) -> Memory:
        """One time of the support: run the controller, read, write.

        Args:
            given: Embedded examples and labels, (n, 2 · embedding_width).
            memory: As the time before has left it.
        """
        thought = self.think(given[:, None], memory)
        read, read_weights = self.read(thought.keys, memory.rows)
        # Write to what was read last, or to what is least used (equations 6 to 8).
        gates = self.to_gates(thought.hidden).sigmoid().mT
        fresh = least_used(memory.usage, self.n_heads)
        write_weights = gates * memory.read_weights + (1 - gates) * fresh
        rows = memory.rows * (1 - fresh.sum(1))[..., None] + write_weights.mT @ thought.keys[:, 0]
        # Equation 5.
        usage = self.usage_decay * memory.usage + read_weights.sum(1) + write_weights.sum(1)
        return Memory(rows, usage, read_weights, read[:, 0], thought.hidden[:, 0], thought.cell[:, 0])

    def think(self, given: Tensor, memory: Memory) -> Thought:
        """Run the controller for inputs (n, m, 2 · embedding_width), each as if it came alone."""
        m = given.shape[1]
        before = (memory.read, memory.hidden, memory.cell)
        read, hidden, cell = (part.repeat_interleave(m, dim=0) for part in before)
        states = self.controller(torch.cat([given.flatten(0, 1), read], dim=1), (hidden, cell))
        hidden, cell = (state.view(-1, m, self.n_hidden) for state in states)
        keys = self.to_keys(hidden).view(-1, m, self.n_heads, self.row_width)
        return Thought(hidden, cell, functional.normalize(keys, dim=3))

    def read(self, keys: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Read by content (equations 2 to 4).

        Args:
            keys: (n, m, n_heads, row_width), of length 1.
            rows: (n, n_rows, row_width).

        Returns:
            What is read, (n, m, n_heads · row_width), and where, (n, m · n_heads, n_rows).
        """
        cosines = keys.flatten(1, 2) @ functional.normalize(rows, dim=2, eps=_FAINT).mT
        weights = (self.strength * cosines).softmax(2)
        return (weights @ rows).view(*keys.shape[:2], -1), weights


def least_used(usage: Tensor, n_heads: int) -> Tensor:
    """A row of the memory for each head, the least used one for the first (equation 6).

    Args:
        usage: (n, n_rows).
        n_heads: At most n_rows.

    Returns:
        (n, n_heads, n_rows), 1 at each head's row, else 0.
    """
    order = usage.argsort(dim=1, stable=True)[:, :n_heads]
    return functional.one_hot(order, usage.shape[1]).to(usage.dtype)
