"""Numbers in words that fit into a cell, whatever a stranger's record claims."""

from __future__ import annotations

import math

from metabench.leaderboards.text import NOTHING

# Sorts behind all that can be measured, and is read by every program.
_FAR = 1e300
_READABLE = 1e7


def number(value: float | None, unit: str = "", *, digits: int = 3) -> str:
    """A number with its unit, e.g. "1,234 MiB"; few significant digits where it is no whole one.

    Args:
        value: None where it is not known.
        unit: Behind it.
        digits: Significant ones of a number that is not whole.
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        told = str(value)
    elif abs(value) >= _READABLE:
        told = f"{value:.{digits - 1}e}"
    elif value == int(value) or abs(value) >= 10**digits:
        told = f"{value:,.0f}"
    else:
        told = f"{value:.{digits}g}"
    return f"{told} {unit}" if unit else told


def order(value: float | None, *, missing: float = -_FAR) -> float:
    """What a cell with a number is sorted by; scripts read no infinities.

    Args:
        value: None and NaN are missing.
        missing: Where these go.
    """
    if value is None or math.isnan(value):
        return missing
    return min(max(float(value), -_FAR), _FAR)


LAST = _FAR
