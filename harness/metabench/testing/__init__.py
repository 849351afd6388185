"""The conformance kit: does an algorithm do what the harness expects of one?

For an author's own tests; `metabench check` runs the same checks in a contestant's process.
"""

from metabench.testing.conformance import check_algorithm
from metabench.testing.report import ConformanceError, Report
from metabench.wire.reports import Checked

__all__ = ["Checked", "ConformanceError", "Report", "check_algorithm"]
