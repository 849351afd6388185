"""Leaderboards as JSON: everything that a board holds, for programs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pydantic_core import to_json

from metabench.hooks import hookimpl
from metabench.leaderboards.renderer import Renderer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.table import Leaderboard

# A terminal may obey what strangers have written so.
_NOT_ASCII = re.compile(r"[^\x00-\x7f]+")


@hookimpl
def metabench_renderers() -> list[Renderer]:
    """Declare JSON."""
    return [Renderer("json", "JSON, with everything that a board holds", render, ".json")]


def render(boards: Sequence[Leaderboard]) -> str:
    """Write a list of boards, field by field; null is what is not known, or not finite.

    Comparisons, which follow from ranks in all but their digits, would be most of the text.
    """
    left_out = {"__all__": {"comparisons"}}
    told = to_json(list(boards), indent=2, inf_nan_mode="null", exclude=left_out).decode()
    return _NOT_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], told)
