"""What a machine puts out of reach is found out, and is what the sandbox says it can be."""

import re

from metabench.referee import sandbox
from metabench.referee.isolation import WHOLE, isolation_here


def test_it_is_that_of_a_run(referee, entry):
    assert isolation_here() == referee(entry("honest:FeaturesOnly", features_only=True)).outcome.isolation


def test_whole_is_all_that_the_sandbox_tells_of():
    assert set(re.findall(r'"(\w+)":', sandbox.isolate.__doc__)) == WHOLE
