"""Options as the command line sets them; what they take of a program stands in the tests of the api."""

import pytest

from metabench.errors import UsageError
from metabench.spec.option import Option, OptionError

RATE = Option(0.1, "step size", at_least=0, at_most=1)


@pytest.mark.parametrize(
    ("default", "text", "value"),
    [
        (0.5, "2", 2.0),
        (0.5, "1e-3", 0.001),
        (3, "-7", -7),
        (False, "Yes", True),
        (True, "off", False),
        ("a", "1e400", "1e400"),
    ],
)
def test_a_text_is_read_as_the_type_of_the_default(default, text, value):
    taken = Option(default, "").read("one", text, owner="maml")

    assert taken == value
    assert type(taken) is type(value)


@pytest.mark.parametrize(
    ("default", "text", "expected"),
    [
        (0.5, "fast", "a finite number"),
        (0.5, "1e400", "a finite number"),
        (3, "2.0", "a whole number"),
        (3, "inf", "a whole number"),
        (False, "2", "true or false"),
    ],
)
def test_a_text_that_says_no_such_value_is_refused_as_it_was_typed(default, text, expected):
    with pytest.raises(
        OptionError, match=rf"^Option 'one' of 'maml' is '{text}'; expected {expected}\. Its default is "
    ):
        Option(default, "").read("one", text, owner="maml")


def test_bounds_hold_for_what_is_read():
    with pytest.raises(OptionError, match=r"^Option 'lr' of 'maml' is 1\.5; expected at most 1\."):
        RATE.read("lr", "1.5", owner="maml")
    assert RATE.read("lr", "1", owner="maml") == 1.0


def test_whoever_sets_what_an_option_does_not_take_has_asked_wrongly():
    with pytest.raises(UsageError):
        RATE.check("lr", -1)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        (RATE, "float, at least 0, at most 1"),
        (Option(3, "", at_least=1), "int, at least 1"),
        (Option("a", "", choices=("a", "b")), "str, one of a, b"),
        (Option(False, ""), "bool"),
    ],
)
def test_what_an_option_takes_is_told_in_words(option, told):
    assert option.takes == told
