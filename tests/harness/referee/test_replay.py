"""Some episodes again: the same answers as in the run, in the benchmark's order."""

import numpy as np
import pytest

from metabench.agreement import difference, threshold
from metabench.referee.outcome import RunError
from metabench.referee.replay import replay

NUMBERS = [0, 7, 19, 20, 23]


def test_the_weights_of_a_run_give_its_answers_again(referee, entry, match):
    asked = entry("honest:FeaturesOnly", features_only=True)
    outcome = referee(asked).outcome

    again = replay(match(asked), outcome.weights, NUMBERS)

    assert len(again) == len(NUMBERS)
    for number, logits in zip(NUMBERS, again, strict=True):
        assert difference(logits, outcome.answers.logits[number]) <= threshold(0.0, "fp32")


def test_weights_that_are_none_fail_as_a_run_does(entry, match):
    with pytest.raises(RunError, match="weights that cannot be read"):
        replay(match(entry("honest:FeaturesOnly")), np.zeros(9, np.uint8), NUMBERS)
