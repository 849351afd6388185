"""A dataset of images in the shape of another one, for being tested across domains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from metabench.data.recipe import ClassExamples, Recipe

_GREY = 1


def reshaped(recipe: Recipe, shape: tuple[int, ...]) -> Recipe:
    """The recipe of the same images in another shape; classes, splits and order stay.

    Images are resized with antialiasing; colour becomes grey by its luminance, grey stands in all three
    channels.

    Args:
        recipe: Of a dataset of images.
        shape: (channels, height, width) to have, of 1 or 3 channels.
    """

    def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
        for one in recipe.build(files):
            assert isinstance(one.examples, np.ndarray)
            yield replace(one, examples=np.stack([_fit(image, shape) for image in one.examples]))

    told = "x".join(map(str, shape))
    # The store keeps it by its name: it must be another one when the content is.
    return replace(
        recipe, name=f"{recipe.name}-{told}-{(recipe.content_hash or '')[:8]}", content_hash=None, build=build
    )


def _fit(image: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """(channels, height, width) → `shape`."""
    channels, height, width = shape
    pixels = Image.fromarray(image[0] if len(image) == _GREY else np.moveaxis(image, 0, -1))
    fitted = pixels.convert("L" if channels == _GREY else "RGB").resize(
        (width, height), Image.Resampling.LANCZOS
    )
    array = np.asarray(fitted, dtype=np.uint8)
    return array[None] if channels == _GREY else np.moveaxis(array, -1, 0)
