"""Reading pickles that come from outside, without running what they name.

A pickle is a program that calls whatever it names. Here the few names that an array needs lead to
stand-ins, which keep its bytes and make the array themselves, and every other name is refused. Even
numpy's own functions, which trust the state that they are given, never meet it.
"""

from __future__ import annotations

import pickle
import re
import struct
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

# What the unpickler, the stand-ins and the questions of `Pickled` raise at what is not as it should be.
_UNUSABLE = (
    pickle.UnpicklingError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
_LONGEST_REASON = 120


@contextmanager
def refusing(file_name: str) -> Iterator[None]:
    """Turn whatever goes wrong with a pickle into one line that names the file.

    Raises:
        DataError: Something went wrong.
    """
    try:
        yield
    except _UNUSABLE as error:
        reason = " ".join(str(error).split())[:_LONGEST_REASON] or type(error).__name__
        raise DataError(
            f"Pickle {file_name!r} cannot be used ({reason}); a whole file of arrays, lists, dicts, texts "
            "and numbers is expected. Fetch it from its official address."
        ) from error


def load(stream: IO[bytes]) -> Pickled:
    """Read a pickle of Python 2 or 3; to be called within `refusing`.

    Raises:
        Exception: Any of those that `refusing` takes: it names what is not allowed, or is damaged.
    """
    # Python 2 had one type for texts and bytes; in Latin-1 both survive.
    return Pickled(_Unpickler(stream, encoding="latin-1").load())


class Pickled:
    """A part of what a pickle holds, of which nothing is known before it is asked for.

    Every question raises TypeError or ValueError where the part is not what the question supposes.
    """

    def __init__(self, value: object, what: str = "it") -> None:
        self._value = value
        self._what = what

    def entries(self) -> dict[str, Pickled]:
        """A dict by its keys, which are texts."""
        value = self._expect(dict)
        return {_text(key): Pickled(part, f"entry {_text(key)!r}") for key, part in value.items()}

    def entry(self, key: str) -> Pickled:
        """One entry of a dict."""
        entries = self.entries()
        if key not in entries:
            raise ValueError(f"{self._what} has no entry {key!r}")
        return entries[key]

    def items(self) -> list[Pickled]:
        """A list, item by item."""
        return [
            Pickled(item, f"item {i} of {self._what}") for i, item in enumerate(self._expect(list, tuple))
        ]

    def array(self) -> NDArray[Any]:
        """An array of whole numbers."""
        values: NDArray[Any] = self._expect(_Array).values
        return values

    def numbers(self) -> NDArray[np.int64]:
        """A list or an array of whole numbers: (n,)."""
        value = self._expect(list, tuple, _Array)
        if isinstance(value, _Array):
            numbers: NDArray[np.int64] = value.values.astype(np.int64)
        elif all(type(item) is int for item in value):
            numbers = np.array(value, dtype=np.int64)
        else:
            raise TypeError(f"{self._what} has what is no whole number")
        if numbers.ndim != 1:
            raise ValueError(f"{self._what} has shape {numbers.shape}")
        return numbers

    def texts(self) -> list[str]:
        """A list of texts."""
        return [_text(item) for item in self._expect(list, tuple)]

    def _expect(self, *kinds: type) -> Any:
        if not isinstance(self._value, kinds):
            got = type(self._value).__name__.lstrip("_").lower()
            raise TypeError(f"{self._what} is of type {got}")
        return self._value


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if not isinstance(value, str):
        raise TypeError(f"type {type(value).__name__} where a text is expected")
    return value


class _Unpickler(pickle._Unpickler):
    """An unpickler that knows the names of an array's parts, and no others.

    It is the one in Python: the one in C makes room for as many parts as a pickle says it will keep, and
    twelve bytes can say four thousand million.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Give a stand-in for what a pickle names.

        Raises:
            UnpicklingError: It is none of the names that an array needs.
        """
        match module, name:
            case (("numpy.core.multiarray" | "numpy._core.multiarray"), "_reconstruct"):
                return _Array
            case "numpy", "dtype":
                return _Type
            case "numpy", "ndarray":
                return name  # handed to _Array, which does not look at it
            case "_codecs", "encode":
                # How bytes stand in a pickle of protocol 2 that Python 3 has written. It is a new function
                # each time, as a pickle may set attributes of what it has got.
                return lambda text, _encoding: text.encode("latin-1")
        raise pickle.UnpicklingError(f"it names {f'{module}.{name}'[:60]!r}, which is not allowed")


class _Type:
    """Stands in for `numpy.dtype`, of whole numbers only."""

    __slots__ = ("code", "order")

    def __init__(self, code: str, *_flags: object) -> None:
        if not isinstance(code, str) or not re.fullmatch(r"[iu][1248]", code):
            raise ValueError(f"an array of type {str(code)[:20]!r}")
        self.code = code
        self.order = "="

    def __setstate__(self, state: tuple[object, ...]) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise ValueError("an array of unknown byte order")
        self.order = str(order)


class _Array:
    """Stands in for `numpy.ndarray` while a pickle is read.

    Attributes:
        values: Read-only; there once the state was set.
    """

    __slots__ = ("values",)

    def __init__(self, *_placeholders: object) -> None:
        """Take what numpy takes to make an array whose state follows."""

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _version, shape, kind, by_columns, content = state
        if not isinstance(kind, _Type) or not all(type(side) is int and side >= 0 for side in shape):
            raise ValueError("an array without type or shape")
        raw = content.encode("latin-1") if isinstance(content, str) else content
        if not isinstance(raw, bytes):
            raise TypeError(f"an array of {type(raw).__name__}")
        flat = np.frombuffer(raw, dtype=np.dtype(kind.order + kind.code))
        self.values: NDArray[Any] = flat.reshape(shape, order="F" if by_columns else "C")
