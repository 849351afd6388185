import pytest

from metabench.referee.plain import plain_line, plain_lines


@pytest.mark.parametrize(
    "text",
    [
        "\x1b[2J\x1b[31mred",
        "\x07bell\x00nul",
        "back\x08\x08space",
        "\x9b2J one byte of control",
        "\u202etxet",
        "\ud800 half a character",
        "two\nlines\r\nand\u2028more",
    ],
)
def test_nothing_in_a_line_commands_a_terminal_or_breaks_an_encoding(text):
    assert plain_line(text).isprintable()
    plain_line(text).encode()
    assert all(line.isprintable() for line in plain_lines(text).split("\n"))


def test_readable_text_stays_as_it_is():
    assert plain_line("n_way is 5 × 3 – …") == "n_way is 5 × 3 – …"
    assert plain_lines("first\n    second\n") == "first\n    second"


def test_a_long_line_is_cut():
    assert len(plain_line("x" * 5000)) == 1000
    assert plain_line("x" * 5000).endswith("x…")


def test_lines_that_overwrite_each_other_become_lines():
    assert plain_lines("10 %\r20 %\r\n\tdone") == "10 %\n20 %\n    done"
