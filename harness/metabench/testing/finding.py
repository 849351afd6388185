"""What a check finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from metabench.testing.trial import Trial

Status = Literal["pass", "fail", "note", "not run"]


@dataclass(frozen=True)
class Finding:
    """What a check says of a trial.

    Attributes:
        status: "fail": the harness demands otherwise; "note": worth knowing, no more; "not run": an earlier
            failure leaves nothing to check.
        message: What is so, in one line; empty where all is well.
    """

    status: Status
    message: str = ""


PASS = Finding("pass")


@dataclass(frozen=True)
class Check:
    """One thing that the kit checks.

    Attributes:
        name: For tables, e.g. "query-order".
        find: Looks at a trial; what it raises is a failure.
        is_needed: Without it, none of the checks that follow means anything.
    """

    name: str
    find: Callable[[Trial], Finding]
    is_needed: bool = False


def fail(message: str) -> Finding:
    """Say what the harness demands otherwise."""
    return Finding("fail", message)


def note(message: str) -> Finding:
    """Say what is worth knowing."""
    return Finding("note", message)
