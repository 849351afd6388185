"""One message: a kind, JSON fields, and arrays; as bytes and back.

A frame is 4 bytes of header length, the header (JSON, UTF-8), then the arrays' bytes one after the
other, little-endian and contiguous, as the header lists them.
"""

from __future__ import annotations

import json
import math
import reprlib
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard, cast

import numpy as np
from numpy.typing import NDArray

HEADER_LIMIT = 1 << 20
_LENGTH = struct.Struct("<I")
_DTYPES = {name: np.dtype(name).newbyteorder("<") for name in ("uint8", "int64", "float32")}
_MAX_DIMENSIONS = 8
_MAX_ELEMENTS = 1 << 48

Json = None | bool | int | float | str | list[Any] | dict[str, Any]
Arrays = Mapping[str, NDArray[Any]]


class WireError(Exception):
    """The other side sent what is no message."""


@dataclass(frozen=True)
class Message:
    """What one process tells another.

    Attributes:
        kind: What is said, e.g. "commit".
        fields: JSON values by name.
        arrays: uint8, int64 and float32 arrays by name.
    """

    kind: str
    fields: dict[str, Json] = field(default_factory=dict)
    arrays: Arrays = field(default_factory=dict)


@dataclass(frozen=True)
class Header:
    """A received header: what the bytes after it are.

    Attributes:
        kind: As in the message.
        fields: As in the message.
        shapes: Name → dtype and shape of each array, in the order in which they follow.
    """

    kind: str
    fields: dict[str, Json]
    shapes: dict[str, tuple[str, tuple[int, ...]]]

    @property
    def n_bytes(self) -> int:
        """Bytes of all arrays together."""
        return sum(_size(*entry) for entry in self.shapes.values())


def encode(message: Message) -> list[bytes | memoryview]:
    """Turn a message into the pieces of its frame.

    Raises:
        ValueError: A field is not JSON, an array has another type or shape, or the header is too long.
    """
    listed = [[name, array.dtype.name, list(array.shape)] for name, array in message.arrays.items()]
    for name, dtype, shape in listed:
        if dtype not in _DTYPES or not _is_shape(shape):
            raise ValueError(
                f"array {name!r} is {dtype} of shape {shape}; expected one of {', '.join(_DTYPES)} "
                f"in at most {_MAX_DIMENSIONS} dimensions"
            )
    try:
        header = json.dumps([message.kind, message.fields, listed], allow_nan=False).encode()
    except (TypeError, RecursionError) as error:
        raise ValueError(f"the fields of {message.kind!r} are not JSON ({error})") from error
    if len(header) > HEADER_LIMIT:
        raise ValueError(f"header has {len(header)} bytes; at most {HEADER_LIMIT} are expected")
    pieces: list[bytes | memoryview] = [_LENGTH.pack(len(header)) + header]
    for array in message.arrays.values():
        flat = np.ascontiguousarray(array, dtype=_DTYPES[array.dtype.name]).reshape(-1)
        pieces.append(flat.view(np.uint8).data)
    return pieces


def header_length(prefix: bytes) -> int:
    """Read the length that a frame begins with.

    Raises:
        WireError: It is beyond the limit.
    """
    (length,) = _LENGTH.unpack(prefix)
    if length > HEADER_LIMIT:
        raise WireError(f"a header of {length} bytes; at most {HEADER_LIMIT} are expected")
    return int(length)


PREFIX_BYTES = _LENGTH.size


def decode_header(text: bytes) -> Header:
    """Read a header, believing nothing.

    Raises:
        WireError: It is not a header.
    """
    try:
        told = json.loads(text.decode(), parse_float=_finite, parse_constant=_finite)
    except (ValueError, RecursionError) as error:
        raise WireError(f"a header that cannot be read ({type(error).__name__})") from error
    match told:
        case [str(kind), dict(fields), list(listed)]:
            return Header(kind, fields, _read_shapes(listed))
    raise WireError("a header without kind, fields and arrays")


def _read_shapes(listed: list[object]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Read what a header says of its arrays.

    Raises:
        WireError: An entry is none, or a name comes twice.
    """
    shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
    for entry in listed:
        match entry:
            case [str(name), str(dtype), list(shape)] if dtype in _DTYPES and _is_shape(shape):
                if name in shapes:
                    raise WireError(f"two arrays {name[:40]!r}")
                shapes[name] = (dtype, tuple(shape))
            case _:
                raise WireError(f"an array that is none: {_short(entry)}")
    return shapes


def _finite(text: str) -> float:
    """Read a number as JSON has them: `json` alone takes NaN and Infinity, and makes 1e999 one."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is no JSON")
    return number


def _short(entry: object) -> str:
    """The entry as one short line, however large it is."""
    parts = entry if isinstance(entry, list) and entry else [entry]
    return ", ".join(reprlib.repr(part)[:60] for part in parts[:3])


def decode_arrays(header: Header, body: bytearray) -> Message:
    """Cut the bytes after a header into its arrays, without copying."""
    arrays: dict[str, NDArray[Any]] = {}
    offset = 0
    for name, (dtype, shape) in header.shapes.items():
        flat = np.frombuffer(body, dtype=_DTYPES[dtype], count=math.prod(shape), offset=offset)
        arrays[name] = flat.reshape(shape)
        offset += flat.nbytes
    return Message(header.kind, header.fields, arrays)


def _is_shape(shape: Sequence[object]) -> TypeGuard[Sequence[int]]:
    if len(shape) > _MAX_DIMENSIONS:
        return False
    if not all(isinstance(size, int) and not isinstance(size, bool) and size >= 0 for size in shape):
        return False
    # An empty array may not have absurd dimensions either: numpy refuses to make it.
    return math.prod(size or 1 for size in cast("Sequence[int]", shape)) <= _MAX_ELEMENTS


def _size(dtype: str, shape: tuple[int, ...]) -> int:
    return _DTYPES[dtype].itemsize * math.prod(shape)
