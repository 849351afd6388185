"""Options of a plugin: declared with a default where they belong, checked when they are set."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, TypeVar, cast

from metabench.spec.option import Option, OptionError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from metabench.spec.plan import OptionValue

_Value = TypeVar("_Value", bool, int, float, str)


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


def resolve_options(declared: Mapping[str, Option], given: Mapping[str, object]) -> dict[str, OptionValue]:
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
