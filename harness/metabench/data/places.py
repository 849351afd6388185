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
        home: Built and imported datasets, downloads, and this machine's key.
        mirror: Folder, or http(s) address, with the files of datasets, if the user named one. Files at
            an address are fetched by `metabench data pull` only.
    """

    home: Path
    mirror: Path | str | None

    @property
    def folders(self) -> tuple[Path, ...]:
        """All folders on this machine that data may lie in."""
        return (self.home, self.mirror) if isinstance(self.mirror, Path) else (self.home,)

    @property
    def store(self) -> Path:
        """Built datasets."""
        return self.home / "store"

    @property
    def downloads(self) -> Path:
        """Files fetched from their official addresses."""
        return self.home / "downloads"

    @property
    def imported(self) -> Path:
        """Datasets that users brought."""
        return self.home / "imported"

    @property
    def cache(self) -> Path:
        """What can be found out again."""
        return self.home / "cache"


def from_environment() -> Places:
    """Read `METABENCH_HOME` (default: the user's data folder) and `METABENCH_MIRROR`."""
    home = os.environ.get("METABENCH_HOME") or platformdirs.user_data_dir("metabench")
    mirror = os.environ.get("METABENCH_MIRROR")
    return Places(Path(home).expanduser(), parse_mirror(mirror) if mirror else None)


def parse_mirror(text: str) -> Path | str:
    """Tell an http(s) address from a folder."""
    return text if text.startswith(("https://", "http://")) else Path(text).expanduser()
