"""Files as the people who published the datasets have made them."""

from __future__ import annotations

import struct
from collections.abc import Callable

import numpy as np
import pytest


def _opcodes(value: object) -> bytes:
    match value:
        case bool():
            return b"\x88" if value else b"\x89"
        case int():
            return b"J" + struct.pack("<i", value)
        case None:
            return b"N"
        case str():
            raw = value.encode("latin-1")
            return b"T" + struct.pack("<i", len(raw)) + raw
        case tuple():
            return b"(" + b"".join(map(_opcodes, value)) + b"t"
        case list():
            return b"](" + b"".join(map(_opcodes, value)) + b"e"
        case dict():
            return b"}(" + b"".join(_opcodes(part) for item in value.items() for part in item) + b"u"
        case np.ndarray():
            kind = (3, "|" if value.itemsize == 1 else "<", None, None, None, -1, -1, 0)
            made = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + _opcodes((0,)) + b"U\x01btR"
            dtype = b"cnumpy\ndtype\n" + _opcodes((value.dtype.str[1:], 0, 1)) + b"R" + _opcodes(kind) + b"b"
            shape, raw = _opcodes(value.shape), _opcodes(value.tobytes().decode("latin-1"))
            return made + b"(K\x01" + shape + dtype + b"\x89" + raw + b"tb"
    raise TypeError(type(value))


@pytest.fixture(scope="session")
def python2_pickle() -> Callable[[object], bytes]:
    """Pickle as cPickle of Python 2 does with protocol 2: texts and the bytes of arrays as one type."""
    return lambda value: b"\x80\x02" + _opcodes(value) + b"."
