"""Options of a plugin: typed by their defaults, with the one sentence that refuses what they do not take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from metabench.errors import UsageError

if TYPE_CHECKING:
    from metabench.spec.plan import OptionValue

_IN_WORDS = {"bool": "true or false", "int": "a whole number", "float": "a finite number", "str": "a text"}
_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class OptionError(UsageError):
    """An option is unknown or its value is not what it takes; the message says so for people."""


@dataclass(frozen=True)
class Option:
    """A declared option.

    Attributes:
        default: Its value unless set; its type is the option's type.
        help: One line for `metabench show`.
        at_least: Smallest number allowed.
        at_most: Largest number allowed.
        choices: The texts allowed; any if empty.
    """

    default: bool | int | float | str
    help: str
    at_least: float | None = None
    at_most: float | None = None
    choices: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a default that no option can have.

        Raises:
            OptionError: It is no bool, int, float or text, or not finite.
        """
        is_plain = type(self.default) in (bool, int, float, str)
        if not is_plain or (isinstance(self.default, float) and not math.isfinite(self.default)):
            raise OptionError(
                f"The default of an option is {self.default!r}; expected a bool, an int, a finite float or "
                f"a str. It is declared with the help {self.help!r}."
            )

    def __get__(self, owner: object | None, kind: type) -> Any:
        """On the class the declaration itself; on an object that nobody has set, the default."""
        return self if owner is None else self.default

    @property
    def type_name(self) -> str:
        """Name of the type, for messages."""
        return type(self.default).__name__

    @property
    def takes(self) -> str:
        """In words, e.g. "float, at least 0"."""
        choices = f"one of {', '.join(self.choices)}" if self.choices else ""
        limits = (("at least", self.at_least), ("at most", self.at_most))
        bounds = (f"{words} {limit:g}" for words, limit in limits if limit is not None)
        return ", ".join(one for one in (self.type_name, choices, *bounds) if one)

    def check(self, name: str, value: object, *, owner: str = "") -> OptionValue:
        """The value as the option's type.

        Args:
            name: Of the option.
            value: What is to be set.
            owner: Name of the plugin, where the message is to tell it.

        Raises:
            OptionError: It has another type, is out of bounds or no choice.
        """
        if type(self.default) is float and type(value) is int:
            value = _as_float(value)
        if type(value) is not type(self.default):
            raise self._refuse(name, value, f"a value of type {self.type_name}", owner)
        if isinstance(value, float) and not math.isfinite(value):
            raise self._refuse(name, value, _IN_WORDS["float"], owner)
        expected = self._limit_beyond(value)
        if expected:
            raise self._refuse(name, value, expected, owner)
        return value

    def read(self, name: str, text: str, *, owner: str) -> OptionValue:
        """The value that a text of the command line says.

        Args:
            name: Of the option.
            text: Its value, as typed.
            owner: Name of the plugin.

        Raises:
            OptionError: It says nothing of the option's type, or what the option does not take.
        """
        try:
            value = _parse(text, self.type_name)
        except (ValueError, KeyError) as error:
            raise self._refuse(name, text, _IN_WORDS[self.type_name], owner) from error
        return self.check(name, value, owner=owner)

    def _limit_beyond(self, value: OptionValue) -> str:
        """What is expected of a value of the option's type that it does not take; "" if it takes it."""
        if self.choices and value not in self.choices:
            return f"one of {', '.join(self.choices)}"
        if isinstance(value, str):
            return ""
        if self.at_least is not None and value < self.at_least:
            return f"at least {self.at_least:g}"
        if self.at_most is not None and value > self.at_most:
            return f"at most {self.at_most:g}"
        return ""

    def _refuse(self, name: str, value: object, expected: str, owner: str) -> OptionError:
        of = f" of {owner!r}" if owner else ""
        return OptionError(
            f"Option {name!r}{of} is {value!r}; expected {expected}. Its default is {self.default!r}."
        )


def _parse(text: str, type_name: str) -> OptionValue:
    """A text as a value of a type.

    Raises:
        ValueError: It says no such value, or a number that is not finite.
        KeyError: It says neither true nor false.
    """
    if type_name == "bool":
        return _BOOLEANS[text.lower()]
    if type_name == "int":
        return int(text)
    if type_name == "float":
        number = float(text)
        if not math.isfinite(number):
            raise ValueError(text)
        return number
    return text


def _as_float(value: int) -> float:
    """The nearest float; infinite where there is none."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
