"""A result, verified as far as is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.results.bundle import left_out
from metabench.results.files import read_record
from metabench.results.folder import Stored
from metabench.verification.asked_again import check_answers
from metabench.verification.bundled import check_outcomes
from metabench.verification.repeated import check_run
from metabench.verification.rescored import check_scores
from metabench.verification.written import check_written

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metabench.verification.finding import Finding
    from metabench.verification.machine import Machine


@dataclass(frozen=True)
class Depth:
    """How far to go beyond levels 0 and 1.

    Attributes:
        n_again: Episodes to ask again; None: level 2 is left out.
        full: Make the whole run again, level 3.
    """

    n_again: int | None = None
    full: bool = False


def verify_result(folder: Path, machine: Machine, depth: Depth) -> Iterator[Finding]:
    """Verify a result, level by level, until one has a problem.

    Args:
        folder: Of the result.
        machine: To verify on.
        depth: How far to go.
    """
    for finding in _findings(folder, machine, depth):
        yield finding
        if finding.problems:
            return


def _findings(folder: Path, machine: Machine, depth: Depth) -> Iterator[Finding]:
    yield check_written(folder)
    stored = Stored(folder, read_record(folder))
    is_bundle = bool(left_out(folder, stored.record))
    yield check_outcomes(stored, machine) if is_bundle else check_scores(stored, machine)
    if depth.n_again is not None:
        yield check_answers(stored, machine, depth.n_again)
    if depth.full:
        yield check_run(stored, machine)
