"""A renderer: leaderboards → text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabench.leaderboards.table import Leaderboard


@dataclass(frozen=True)
class Renderer:
    """An output format of leaderboards.

    Attributes:
        name: As on the command line.
        title: One line for lists.
        render: Leaderboards → text without a final newline. The names in them come from strangers: use
            `metabench.leaderboards.text` to show them, and escape what the format takes for markup.
        suffix: Of files in this format, e.g. ".md", by which `metabench verify` knows them.
    """

    name: str
    title: str
    render: Callable[[Sequence[Leaderboard]], str]
    suffix: str = ""
