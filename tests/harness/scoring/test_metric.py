"""What a metric says of scores that no episode can have."""

import math

import numpy as np
import pytest

from metabench.scoring.metric import Metric


def metric(**bounds: float) -> Metric:
    return Metric("share", "share", lambda logits, labels: np.zeros(len(labels)), **bounds)


@pytest.mark.parametrize("scores", [[-1.0, 0.5, 1.0], [-1.0 - 1e-10, 1.0 + 1e-10], [0.0]])
def test_scores_within_the_bounds_are_possible_and_so_is_their_rounding(scores: list[float]) -> None:
    assert metric(lowest=-1.0, highest=1.0).impossible(np.array(scores)) is None


@pytest.mark.parametrize("absurd", [-1.01, -1e300, 1.01, 1e300])
def test_a_score_beyond_either_bound_is_named_with_what_can_be(absurd: float) -> None:
    told = metric(lowest=-1.0, highest=1.0).impossible(np.array([0.5, absurd, 0.0]))

    assert told == f"An episode scores {absurd:g} by 'share'; expected -1 … 1."


def test_one_bound_alone_leaves_the_other_side_open() -> None:
    assert metric(lowest=0.0).impossible(np.array([0.0, 1e300])) is None
    assert metric(lowest=0.0).impossible(np.array([-0.1])) == (
        "An episode scores -0.1 by 'share'; expected 0 … inf."
    )
    assert metric(highest=1.0).impossible(np.array([-1e300, 1.0])) is None


def test_no_number_is_no_score() -> None:
    assert metric(lowest=0.0, highest=1.0).impossible(np.array([0.5, math.nan])) is not None
