"""What commands print is obeyed by no terminal."""

from __future__ import annotations

import pytest

from metabench.cli.output import plain, print_fields


@pytest.mark.parametrize("sign", ["\x1b", "\x7f", "\x9b", "\n", "\u202e", "\u2028", "\udc9b"])
def test_signs_that_steer_a_terminal_are_spelt_out(sign: str, capsys) -> None:
    spelt = f"a{sign.encode('unicode_escape').decode()}b" if sign != "\udc9b" else "a\\udc9bb"
    assert plain(f"a{sign}b") == spelt

    print_fields({"name": f"a{sign}b"}, as_json=False)
    assert capsys.readouterr().out == f"name  {spelt}\n"


@pytest.mark.parametrize(
    ("value", "told"), [(None, ""), (0, "0"), (False, "False"), ("Größe – 原", "Größe – 原")]
)
def test_other_values_are_shown_as_they_are(value: object, told: str) -> None:
    assert plain(value) == told
