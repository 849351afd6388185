"""How an episode is composed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metabench.errors import UsageError

_PATTERN = re.compile(r"(\d+)w(\d+)s")


@dataclass(frozen=True)
class Protocol:
    """N-way K-shot episodes with an equal number of queries per class.

    Attributes:
        n_way: Classes per episode.
        n_shot: Support examples per class.
        n_query: Query examples per class.
    """

    n_way: int
    n_shot: int
    n_query: int

    def __post_init__(self) -> None:
        """Refuse what no episode can have.

        Raises:
            UsageError: Fewer than two classes, or no support or query example.
        """
        if self.n_way < 2:
            raise UsageError(f"n_way is {self.n_way}; an episode needs at least 2 classes. Name e.g. 5w1s.")
        for name in ("n_shot", "n_query"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; expected at least 1. Name e.g. 5w1s.")

    @property
    def n_support_total(self) -> int:
        """Support examples of the whole episode."""
        return self.n_way * self.n_shot

    @property
    def n_query_total(self) -> int:
        """Query examples of the whole episode."""
        return self.n_way * self.n_query

    @property
    def n_per_class(self) -> int:
        """Examples that a class must have."""
        return self.n_shot + self.n_query

    @property
    def short_name(self) -> str:
        """The protocol as it stands in benchmark names, e.g. "5w1s"."""
        return f"{self.n_way}w{self.n_shot}s"


def parse_protocol(text: str, *, n_query: int = 15) -> Protocol | None:
    """Read "5w1s"; None if `text` is no N-way K-shot protocol.

    Raises:
        UsageError: It is one, but no episode can be composed so.
    """
    match = _PATTERN.fullmatch(text)
    return Protocol(int(match[1]), int(match[2]), n_query) if match else None
