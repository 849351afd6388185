"""Where data lies on this machine."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class Places:
    """The folders that metabench keeps data in.

    Attributes:
        home: Built datasets, downloads, and this machine's key.
        mirror: Folder with the files of datasets as upstream serves them, if the user named one.
    """

    home: Path
    mirror: Path | None

    @property
    def store(self) -> Path:
        """Built datasets."""
        return self.home / "store"

    @property
    def downloads(self) -> Path:
        """Files fetched from their official addresses."""
        return self.home / "downloads"

    @property
    def cache(self) -> Path:
        """What can be found out again."""
        return self.home / "cache"


def from_environment() -> Places:
    """Read `METABENCH_HOME` (default: the user's data folder) and `METABENCH_MIRROR`."""
    home = os.environ.get("METABENCH_HOME") or platformdirs.user_data_dir("metabench")
    mirror = os.environ.get("METABENCH_MIRROR")
    return Places(Path(home).expanduser(), Path(mirror).expanduser() if mirror else None)
