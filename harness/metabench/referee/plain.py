"""Text that a contestant wrote, made fit for a terminal and a record."""

from __future__ import annotations

_LONGEST = 1000
_UNREADABLE = "\N{REPLACEMENT CHARACTER}"


def plain_line(text: str, longest: int = _LONGEST) -> str:
    """One line without control characters: nothing in it moves a cursor, hides text or breaks an encoding."""
    line = _readable(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def plain_lines(text: str) -> str:
    """The same with its line breaks kept; what returns a cursor to the line's begin ends a line."""
    return "\n".join(_readable(line.expandtabs(4)) for line in text.splitlines())


def _readable(text: str) -> str:
    return "".join(one if one.isprintable() else _UNREADABLE for one in text)
