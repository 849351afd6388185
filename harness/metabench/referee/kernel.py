"""Calls of the C library that Python has no name for."""

from __future__ import annotations

import ctypes
import os

_LIBRARY = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: object) -> int:
    """Call a function; whole numbers are passed as C's long.

    Raises:
        OSError: It fails.
    """
    passed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result: int = getattr(_LIBRARY, name)(*passed)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result
