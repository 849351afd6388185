"""Class splits as they are kept beside recipes: split to names, in JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from metabench.data.recipe import SPLITS

if TYPE_CHECKING:
    from pathlib import Path

    from metabench.data.recipe import Split


def read_split(split_file: Path) -> dict[str, Split]:
    """Give each name its split."""
    splits = cast("dict[Split, list[str]]", json.loads(split_file.read_text(encoding="utf-8")))
    return {name: split for split in SPLITS for name in splits[split]}
