"""How photographs of any size become examples of one size."""

from __future__ import annotations

import io
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from metabench.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 84  # of an example, in pixels

_MAX_PIXELS = 2**24
# What Pillow raises for damaged images.
_UNREADABLE = (OSError, SyntaxError, ValueError, struct.error, zlib.error, Image.DecompressionBombError)


def decode(name: str, content: bytes, *, file_format: str = "JPEG") -> NDArray[np.uint8]:
    """Decode a photograph, crop the largest square about its centre and resize that.

    The crop is the same whatever the photograph shows: no bounding box is looked at, and nothing is
    stretched. The resizing is Lanczos with antialiasing, in the whole numbers of Pillow.

    Args:
        name: What messages call it.
        content: The file.
        file_format: The only one that is taken, as Pillow calls it.

    Returns:
        (3, 84, 84): red, green, blue. Grey photographs stand in all three.

    Raises:
        DataError: The file is no such image, is damaged, or has too many pixels.
    """
    try:
        return _read_square(content, file_format)
    except _UNREADABLE as error:
        reason = str(error).partition(" <")[0]  # Pillow goes on with the address of the buffer
        message = f"Photograph {name!r} cannot be used ({reason}); a whole {file_format} image is expected."
        raise DataError(f"{message} Fetch its archive again.") from error


def _read_square(content: bytes, file_format: str) -> NDArray[np.uint8]:
    """Decode and resize, or raise one of the exceptions of Pillow."""
    with Image.open(io.BytesIO(content), formats=[file_format]) as image:
        # The header is checked before the pixels are decoded: a false one must not fill the memory.
        width, height = image.size
        if width * height > _MAX_PIXELS:
            raise ValueError(f"{width}x{height} pixels")
        side = min(width, height)
        left, top = (width - side) // 2, (height - side) // 2
        square = image.convert("RGB").resize(
            (SIDE, SIDE), Image.Resampling.LANCZOS, box=(left, top, left + side, top + side)
        )
        return np.ascontiguousarray(np.moveaxis(np.asarray(square, dtype=np.uint8), -1, 0))
