"""A suite: benchmarks that are run together, with the line-up that a bare command takes."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_SUITE = "smoke"


@dataclass(frozen=True)
class Suite:
    """A named group of benchmarks.

    Attributes:
        name: The name on the command line, wherever a benchmark can stand.
        benchmarks: Names of its benchmarks.
        algorithms: Algorithms that run when none is named.
        budget: Budget that applies when none is named.
    """

    name: str
    benchmarks: tuple[str, ...]
    algorithms: tuple[str, ...]
    budget: str
