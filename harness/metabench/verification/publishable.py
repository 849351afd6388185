"""May a result be published: does it verify whole, and would it as a bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.results.bundle import can_be_bundled, left_out
from metabench.verification.bundled import check_outcomes
from metabench.verification.result import Depth, verify_result

if TYPE_CHECKING:
    from collections.abc import Iterator

    from metabench.results.folder import Stored
    from metabench.verification.machine import Machine


def refusals(stored: Stored, machine: Machine) -> Iterator[str]:
    """Verify a result at levels 0 and 1, with its predictions, and once more by its outcomes alone.

    Args:
        stored: The result.
        machine: To verify on.

    Yields:
        Why it cannot be published, a sentence each.
    """
    record = stored.record
    if left_out(stored.folder, record):
        yield "It is a bundle already; expected the whole result, with its predictions. Add that one."
        return
    if not can_be_bundled(record):
        yield "It has no outcomes, as an earlier metabench made it; expected outcomes.parquet. Run it again."
        return
    problems = [told for one in verify_result(stored.folder, machine, Depth()) for told in one.problems]
    yield from problems or check_outcomes(stored, machine).problems
