"""What a machine puts out of reach is found out, and is what the sandbox says it can be."""

import re

from metabench.referee import sandbox
from metabench.referee.isolation import WHOLE, isolation_here


def test_a_contestant_says_what_it_gave_up():
    assert isolation_here() <= WHOLE | {"TCP"}


def test_whole_is_all_that_the_sandbox_tells_of():
    assert set(re.findall(r'"(\w+)":', sandbox.isolate.__doc__)) == WHOLE
