"""A contestant plugin as its package's metadata tells of it: known, not imported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint
    from pathlib import Path

Kind = Literal["algorithm", "backbone"]


@dataclass(frozen=True)
class Plugin:
    """An algorithm or a backbone that can be asked to take part.

    Attributes:
        kind: "algorithm" or "backbone".
        name: The name on the command line, with that of its model where it has one.
        target: "module:Class".
        distribution: The package that provides it, or "(file)" for a one-file plugin.
        version: That package's version; "" for a file.
        search_path: Folder that a one-file plugin is imported from; None for installed packages.
        model: File or folder of the pretrained model named behind it, `hf:MODEL`; None if none is.
    """

    kind: Kind
    name: str
    target: str
    distribution: str
    version: str
    search_path: Path | None = None
    model: Path | None = None

    @property
    def own_name(self) -> str:
        """The name without that of its model."""
        return self.name if self.model is None else self.name.partition(":")[0]

    @property
    def module(self) -> str:
        """Dotted name of the module."""
        return self.target.partition(":")[0]

    @property
    def class_name(self) -> str:
        """Name of the class in the module."""
        return self.target.partition(":")[2]


def provider(point: EntryPoint) -> tuple[str, str]:
    """Name and version of the package that an entry point belongs to, as far as its metadata tells."""
    if point.dist is None:
        return "(unknown)", ""
    names, versions = (point.dist.metadata.get_all(key, [""]) for key in ("Name", "Version"))
    return names[0] or "(unknown)", versions[0]
