"""A learner's state as bytes (safetensors), and back. Nothing is pickled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor

from metabench.contestant.failure import PluginError, one_line
from metabench.errors import InvalidOutputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from metabench.api.algorithm import Algorithm


def to_bytes(learner: Algorithm) -> NDArray[np.uint8]:
    """Serialise all parameters and buffers.

    Raises:
        PluginError: The state holds something that is no tensor.
        InvalidOutputError: A weight is not a finite number.
    """
    state = learner.state_dict()
    for name, value in state.items():
        if not isinstance(value, Tensor):
            raise PluginError(
                f"state {name!r} is a {type(value).__name__}; expected tensors. Register a buffer."
            )
        if not bool(torch.isfinite(value).all()):
            raise InvalidOutputError(
                f"weight {name!r} has values that are not finite; meta-training diverged"
            )
    # Cloned, since the format refuses tensors that share memory, as tied weights do.
    cloned = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    return np.frombuffer(save(cloned), dtype=np.uint8)


def from_bytes(learner: Algorithm, weights: NDArray[np.uint8]) -> None:
    """Put serialised state into a learner that was built alike.

    Raises:
        InvalidOutputError: The bytes are no weights.
        PluginError: They are those of another learner.
    """
    try:
        state = load(weights.tobytes())
    except Exception as error:  # the library raises its own, KeyError, ValueError, …
        raise InvalidOutputError(f"weights that cannot be read: {one_line(error)}") from error
    try:
        learner.load_state_dict(state)
    except RuntimeError as error:
        raise PluginError(
            f"the learner, built anew, does not take the weights that it has committed: {one_line(error)}"
        ) from error
