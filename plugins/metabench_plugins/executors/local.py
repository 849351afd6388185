"""Runs on this machine, some at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from metabench.hooks import hookimpl
from metabench.results.executor import Executor

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from metabench.results.record import Record
    from metabench.spec.plan import RunPlan


@hookimpl
def metabench_executors() -> list[Executor]:
    """Declare `local`."""
    return [Executor("local", "this machine, --jobs runs at once", _execute)]


def _execute(run: Callable[[RunPlan], Record], plans: Sequence[RunPlan], jobs: int) -> list[Record]:
    """Threads are enough: the work is done in the contestants' processes."""
    pool = ThreadPoolExecutor(max_workers=jobs, thread_name_prefix="run")
    try:
        return list(pool.map(run, plans))
    finally:
        # Runs that have not begun are dropped when one raises or the user interrupts.
        pool.shutdown(wait=False, cancel_futures=True)
