"""Options of a plugin: declared with a default where they belong, typed, checked when they are set."""

from __future__ import annotations

import difflib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Mapping

_Value = TypeVar("_Value", bool, int, float, str)


class OptionError(ValueError):
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

    def check(self, name: str, value: object) -> bool | int | float | str:
        """The value as the option's type.

        Raises:
            OptionError: It has another type or is out of bounds.
        """
        if type(self.default) is float and type(value) is int:
            value = _as_float(value)
        if type(value) is not type(self.default):
            raise self._refuse(name, value, f"a value of type {self.type_name}")
        if isinstance(value, float) and not math.isfinite(value):
            raise self._refuse(name, value, "a finite number")
        if isinstance(value, int | float):
            self._check_bounds(name, value)
        if self.choices and value not in self.choices:
            raise self._refuse(name, value, f"one of {', '.join(self.choices)}")
        return value

    def _check_bounds(self, name: str, value: float) -> None:
        if self.at_least is not None and value < self.at_least:
            raise self._refuse(name, value, f"at least {self.at_least:g}")
        if self.at_most is not None and value > self.at_most:
            raise self._refuse(name, value, f"at most {self.at_most:g}")

    def _refuse(self, name: str, value: object, expected: str) -> OptionError:
        return OptionError(
            f"Option {name!r} is {value!r}; expected {expected}. Its default is {self.default!r}."
        )


def _as_float(value: int) -> float:
    """The nearest float; infinite where there is none."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def option(
    default: _Value,
    help: str,  # noqa: A002 - the word that click and argparse use for it
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    choices: tuple[str, ...] = (),
) -> _Value:
    """Declare an option of an algorithm or a backbone, as a class attribute.

        class MAML(Algorithm):
            inner_lr: float = option(0.1, "step size inside an episode", at_least=0)

    Args:
        default: Its value unless set with `--set name=value`; gives the option its type.
        help: One line that says what it does, with its unit.
        at_least: Smallest number allowed.
        at_most: Largest number allowed.
        choices: The texts allowed.

    Returns:
        The declaration; objects of the class see the option's value under its name.
    """
    return cast("_Value", Option(default, help, at_least, at_most, choices))


def declared_options(owner: type) -> dict[str, Option]:
    """All options of a class, its parents' included, sorted by name.

    A class that assigns a plain value over an inherited option fixes it: it is no option any more.
    """
    names = {
        name for part in owner.__mro__ for name, value in vars(part).items() if isinstance(value, Option)
    }
    found = {name: getattr(owner, name) for name in sorted(names)}
    return {name: value for name, value in found.items() if isinstance(value, Option)}


def resolve_options(
    declared: Mapping[str, Option], given: Mapping[str, object]
) -> dict[str, bool | int | float | str]:
    """Every option's value: as given, else its default.

    Raises:
        OptionError: A name that is not declared, or a value that the option does not take.
    """
    for name in given:
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise OptionError(f"Unknown option {name!r}.{hint} Available: {', '.join(declared) or 'none'}.")
    return {name: entry.check(name, given.get(name, entry.default)) for name, entry in declared.items()}
