"""What the toy problems can be asked for."""

from __future__ import annotations

import re

import pytest

from metabench.errors import UsageError
from metabench.spec.protocol import Protocol
from metabench.spec.toy import parse_toy_protocol


def test_ways_and_shots_are_read_with_few_queries():
    assert parse_toy_protocol("20w5s") == Protocol(20, 5, 5)


@pytest.mark.parametrize(
    ("protocol", "message"),
    [
        ("vary", "Protocol 'vary' has no fixed ways and shots; expected some. Name e.g. 5w1s."),
        ("5", "Protocol '5' has no fixed ways and shots"),
        ("41w1s", "Protocol '41w1s' is more than the toy problems have; expected at most 40 ways"),
        ("5w20s", "Protocol '5w20s' is more"),
    ],
)
def test_a_protocol_that_the_toy_problems_have_not_is_refused(protocol, message):
    with pytest.raises(UsageError, match=re.escape(message)):
        parse_toy_protocol(protocol)
