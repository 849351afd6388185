"""When two answers to one question are the same: what a difference is, and which ones mean nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from metabench.spec.plan import Precision

# Differences below the first are rounding on any machine; a noise floor above the second is not believed.
ROUNDING: dict[Precision, float] = {"fp32": 1e-3, "bf16": 5e-2}
_TIMES_FLOOR = 10.0
# Of scores, which are of the size of 1: exponentials and logarithms of two kinds of processors differ in
# their last bits.
_SCORE_ROUNDING = 1e-9
# The median deviation of a normal distribution, in standard deviations.
_MEDIAN_DEVIATION = 0.6745


def threshold(floor: float, precision: Precision) -> float:
    """The largest difference that means nothing.

    Args:
        floor: The noise floor; one that is larger than rounding is not believed.
        precision: Of the arithmetic.
    """
    rounding = ROUNDING[precision]
    return max(rounding, _TIMES_FLOOR * min(floor, rounding))


def same_scores(first: ArrayLike, second: ArrayLike) -> bool:
    """Are scores that were computed twice, maybe on two kinds of processors, the same up to rounding."""
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return one.shape == other.shape and bool(
        np.allclose(one, other, rtol=_SCORE_ROUNDING, atol=_SCORE_ROUNDING, equal_nan=True)
    )


def difference(
    first: NDArray[np.float32], second: NDArray[np.float32], spread_of: NDArray[np.float32] | None = None
) -> float:
    """Largest difference between logits, relative to the spread of an episode's logits.

    The spread is by the median deviation, so that some huge logits, which decide nothing, cannot make all
    differences look small; a huge logit's own difference is relative to itself.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    reference = other if spread_of is None else spread_of.astype(np.float64)
    middle = np.median(reference)
    spread = np.median(np.abs(reference - middle)) / _MEDIAN_DEVIATION or np.std(reference)
    scale = np.maximum(spread, np.abs(other - middle))
    differences = np.abs(one - other)
    # Logits that are all the same have no spread: any difference from them is a whole one.
    relative = np.divide(differences, scale, out=(differences > 0).astype(np.float64), where=scale > 0)
    return float(relative.max())
