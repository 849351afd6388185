"""May a result be published: does it verify whole, and would it as a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.results.bundle import can_be_bundled, left_out
from metabench.verification.bundled import check_outcomes
from metabench.verification.finding import Finding
from metabench.verification.result import Depth, verify_result

if TYPE_CHECKING:
    from metabench.results.folder import Stored
    from metabench.verification.machine import Machine


def check_publishable(stored: Stored, machine: Machine) -> Finding:
    """Verify a result at levels 0 and 1, with its predictions, and once more by its outcomes alone.

    Args:
        stored: The result.
        machine: To verify on.

    Returns:
        Why it cannot be published, a problem each; what could not be compared are remarks.
    """
    record = stored.record
    if left_out(stored.folder, record):
        return _refused(
            "It is a bundle already; expected the whole result, with its predictions. Add that one."
        )
    if not can_be_bundled(record):
        return _refused(
            "It has no outcomes, as an earlier metabench made it; expected outcomes.parquet. Run it again."
        )
    found = list(verify_result(stored.folder, machine, Depth()))
    problems = [problem for one in found for problem in one.problems]
    return Finding(
        level=1,
        checked="the result, and what a bundle of it tells",
        problems=tuple(problems) or check_outcomes(stored, machine).problems,
        remarks=tuple(remark for one in found for remark in one.remarks),
    )


def _refused(problem: str) -> Finding:
    return Finding(1, "", (problem,))
