"""What the kit has found of an algorithm, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabench.wire.reports import Checked


@dataclass(frozen=True)
class Report:
    """What all checks have found.

    Attributes:
        algorithm: Name of its class.
        results: Check by check, on one backbone after the other.
    """

    algorithm: str
    results: tuple[Checked, ...]

    @property
    def failed(self) -> tuple[Checked, ...]:
        """The checks that have failed."""
        return tuple(one for one in self.results if one.status == "fail")

    @property
    def notes(self) -> tuple[Checked, ...]:
        """What is worth knowing, and no failure."""
        return tuple(one for one in self.results if one.status == "note")

    def __str__(self) -> str:
        """A summary, and a line for each failure and each note."""
        told = [
            f"{one.status}: {one.check} on {one.backbone}: {one.message}"
            for one in (*self.failed, *self.notes)
        ]
        return "\n".join([f"{self.algorithm} fails {len(self.failed)} of {len(self.results)} checks.", *told])


class ConformanceError(AssertionError):
    """An algorithm has failed checks; all of them are listed.

    Attributes:
        report: What all checks have found.
    """

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report
