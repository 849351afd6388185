"""What a machine's speed around a run means for its seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from metabench.results.record import CalibrationPart

# Seconds of each standard piece of work on an AMD EPYC, on both of two cores, with torch 2.13, undisturbed:
# medians of six times `chrt --fifo 20 python -c 'from metabench.referee.calibration import Calibrator; from
# metabench.wire.reports import Bench; print(Calibrator().measure(Bench(device="cpu", n_threads=2)))'`.
REFERENCE_S: Mapping[str, float] = MappingProxyType(
    {"convolution": 0.0070, "attention": 0.0073, "gather": 0.0026, "adaptation": 0.0066}
)
# There, undisturbed, one time differed from the next by 9 % in the median and by 32 % at most (of 23); while
# something else had half of one core, from one undisturbed by 80 % at least (of 10).
STEADY = 0.25


def calibration_part(
    before: Mapping[str, float] | None, after: Mapping[str, float] | None
) -> CalibrationPart | None:
    """Compare the machine before and after a run; None where it was not measured twice.

    Args:
        before: Seconds of each standard piece of work.
        after: The same when the run had ended.
    """
    # Imported here, as what shows tables needs this module's numbers, but no records.
    from metabench.results.record import CalibrationPart  # noqa: PLC0415

    if before is None or after is None:
        return None
    drift = max(max(before[name], after[name]) / min(before[name], after[name]) for name in before) - 1
    return CalibrationPart(
        before_s={name: round(seconds, 6) for name, seconds in before.items()},
        after_s={name: round(seconds, 6) for name, seconds in after.items()},
        drift=round(drift, 4),
        is_steady=drift <= STEADY,
    )


def speed(part: CalibrationPart) -> float | None:
    """How many times as fast as the reference machine, by the geometric mean over the standard work.

    A record comes from strangers: None where it tells of other work, or of none that can be compared.
    """
    told = (part.before_s, part.after_s)
    if any(set(one) != set(REFERENCE_S) or not _are_times(one.values()) for one in told):
        return None
    ratios = [math.log(REFERENCE_S[name] / seconds) for one in told for name, seconds in one.items()]
    return math.exp(sum(ratios) / len(ratios))


def _are_times(seconds: Iterable[float]) -> bool:
    return all(one > 0 for one in seconds)
