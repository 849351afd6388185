"""Classes as a user brings them: found and counted, but not yet decoded or put into splits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.recipe import Modality, Split


@dataclass(frozen=True)
class RawClass:
    """A class that can be read.

    Attributes:
        name: The class.
        split: Its split, if the user has made the splits.
        n_examples: How many examples `load` gives.
        load: Decode the examples; a `DataError` names the one that cannot be.
    """

    name: str
    split: Split | None
    n_examples: int
    load: Callable[[], NDArray[np.uint8] | tuple[str, ...]]


@dataclass(frozen=True)
class RawDataset:
    """What was found.

    Attributes:
        modality: What the examples are.
        classes: In any order.
    """

    modality: Modality
    classes: tuple[RawClass, ...]


def refuse(where: object, got: str, expected: str, next_step: str) -> DataError:
    """Say what is wrong with what a user brings; `where` is a file or a folder."""
    return DataError(f"{str(where)!r} {got}; {expected}. {next_step}.")
