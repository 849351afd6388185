"""An executor: places the runs of a sweep on machines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabench.results.record import Record
    from metabench.spec.plan import RunPlan


@dataclass(frozen=True)
class Executor:
    """A way to place runs.

    Attributes:
        name: As on the command line.
        title: One line for lists.
        execute: Run function, plans, runs at once → a record for each plan, in the plans' order. The run
            function may be called in any thread or process that shares the results folder.
    """

    name: str
    title: str
    execute: Callable[[Callable[[RunPlan], Record], Sequence[RunPlan], int], list[Record]]
