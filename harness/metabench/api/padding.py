"""Padding of texts: cut off where nobody needs it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def trim_padding(inputs: dict[str, Tensor]) -> dict[str, Tensor]:
    """Cut off the places at which no text has a token, to save the work on them.

    For a backbone whose features do not depend on padding. One whose features do gets, after this, others
    for a text when its company changes, which the audit takes for a look at other queries.

    Args:
        inputs: `ids` and `mask`, (n, length).

    Returns:
        The same, (n, length of the longest).
    """
    longest = max(1, int(inputs["mask"].sum(1).max()))
    return {name: tensor[:, :longest] for name, tensor in inputs.items()}
