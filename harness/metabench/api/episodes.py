"""Episodes as a learner sees them: tensors in rectangular batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

Inputs = Tensor | dict[str, Tensor]


@dataclass(frozen=True)
class Episodes:
    """A batch of episodes of one shape.

    Attributes:
        support: (n_episodes, n_support, …) examples, or a dict of such tensors.
        support_labels: (n_episodes, n_support), int64 in 0 … n_way − 1.
        query: (n_episodes, n_query_total, …) examples, or a dict of such tensors.
        query_labels: (n_episodes, n_query_total), int64; None while testing.
        n_way: Classes per episode.
    """

    support: Inputs
    support_labels: Tensor
    query: Inputs
    query_labels: Tensor | None
    n_way: int

    def __len__(self) -> int:
        """Number of episodes."""
        return len(self.support_labels)

    def __iter__(self) -> Iterator[Episodes]:
        """The episodes one by one, each a batch of one."""
        return (self.at(slice(index, index + 1)) for index in range(len(self)))

    @property
    def n_support(self) -> int:
        """Support examples per episode."""
        return self.support_labels.shape[1]

    @property
    def targets(self) -> Tensor:
        """The query labels of meta-training, (n_episodes, n_query_total).

        Raises:
            ValueError: The episodes are not labelled, as while testing.
        """
        if self.query_labels is None:
            raise ValueError("these episodes have no query labels; `predict` must do without")
        return self.query_labels

    def unlabelled(self) -> Episodes:
        """The same episodes as they arrive while testing."""
        return replace(self, query_labels=None)

    def at(self, index: slice) -> Episodes:
        """Some of the episodes."""
        return Episodes(
            support=map_inputs(lambda tensor: tensor[index], self.support),
            support_labels=self.support_labels[index],
            query=map_inputs(lambda tensor: tensor[index], self.query),
            query_labels=None if self.query_labels is None else self.query_labels[index],
            n_way=self.n_way,
        )


def map_inputs(change: Callable[[Tensor], Tensor], inputs: Inputs) -> Inputs:
    """Apply a function to the tensor, or to each tensor of the dict."""
    if isinstance(inputs, Tensor):
        return change(inputs)
    return {name: change(tensor) for name, tensor in inputs.items()}


def join_inputs(first: Inputs, second: Inputs, dim: int) -> Inputs:
    """Concatenate two inputs of one kind along a dimension."""
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return torch.cat([first, second], dim)
    if isinstance(first, dict) and isinstance(second, dict):
        return {name: torch.cat([first[name], second[name]], dim) for name in first}
    raise TypeError("inputs of two kinds cannot be joined")
