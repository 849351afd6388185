"""What the sandbox puts out of a contestant's reach on this machine, found out by starting one."""

from __future__ import annotations

from metabench.referee.limits import Limits
from metabench.referee.process import ContestantProcess
from metabench.wire.message import Message

# What it puts out of reach where a system lets it; see `sandbox.isolate`.
WHOLE = frozenset({"files", "memory", "network", "paths", "signals"})
_LIMITS = Limits(memory_mib=4096, n_threads=1, seed=0)


def isolation_here() -> frozenset[str]:
    """Start a contestant that has nothing to do, and see what it gave up.

    Raises:
        RunError: No contestant starts here.
    """
    with ContestantProcess(_LIMITS, "start") as process:
        process.send(Message("describe", {"plugins": []}))
        process.expect("descriptions", within_s=_LIMITS.startup_s, doing="starting")
    # It has answered, so the sandbox was through.
    assert process.isolation is not None
    return process.isolation
