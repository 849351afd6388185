"""The arithmetic of contestants: single precision, or bfloat16 in what PyTorch's autocast takes for safe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from metabench.spec.plan import Precision


def arithmetic(device: str, precision: Precision) -> torch.autocast:
    """A context in which PyTorch computes in a precision.

    Args:
        device: The kind of device that is computed on, e.g. "cpu".
        precision: "fp32" changes nothing.
    """
    # Autocast would keep what it has made of a weight until it is left, though an optimiser changes the
    # weight in between: a method would meta-train on its first weights, however many steps it took.
    return torch.autocast(device, torch.bfloat16, enabled=precision == "bf16", cache_enabled=False)
