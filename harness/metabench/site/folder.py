"""A site in a folder: it is there whole, in place of an earlier one, or not at all.

Other files that a program makes of results can be written likewise.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.errors import MetabenchError

if TYPE_CHECKING:
    from collections.abc import Iterable

# Tells the files of a site, so that nothing else is ever removed with it.
MANIFEST = ".metabench-site"


class SiteError(MetabenchError):
    """A site cannot be written or published."""


def write_site(target: Path, files: Iterable[tuple[str, bytes]]) -> None:
    """Write a site beside its folder, and swap it in when it is complete.

    Args:
        target: The folder: none yet, an empty one, or one with a site and nothing else.
        files: Path in the site and content of each file.

    Raises:
        SiteError: The folder has other things in it, or cannot be written.
    """
    check_target(target)
    place = target.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{place.name}-", dir=place.parent) as beside:
            new = Path(beside) / "new"
            _fill(new, files)
            _swap(new, place, Path(beside) / "old")
    except OSError as error:
        raise SiteError(
            f"Folder {str(target)!r} cannot be written ({error.strerror or error}); expected one with room. "
            "Name another one with --to."
        ) from error


def check_target(target: Path) -> None:
    """Refuse a folder in which something would be lost.

    Raises:
        SiteError: It is no folder, or has something that is not of a site.
    """
    if target.exists() and not target.is_dir():
        raise SiteError(
            f"{str(target)!r} is no folder; expected one to write to. Name another one with --to."
        )
    found = sorted(str(one.relative_to(target).as_posix()) for one in target.rglob("*") if not one.is_dir())
    foreign = foreign_file(found, _manifest(target))
    if foreign is not None:
        raise SiteError(
            f"Folder {str(target)!r} has other things in it, such as {foreign!r}; expected none, or what "
            "this command wrote there before. Name another one with --to, or move them away."
        )


def _swap(new: Path, place: Path, old: Path) -> None:
    """Let a folder take the place of another, which stays if that fails."""
    has_old = place.exists()
    if has_old:
        place.rename(old)
    try:
        new.rename(place)
    except OSError:
        if has_old:
            old.rename(place)
        raise


def foreign_file(found: Iterable[str], manifest: str) -> str | None:
    """The first of the files that is not of the site that a manifest tells of; None if all are.

    Args:
        found: Paths, with "/".
        manifest: Content of that file; "" where there is none.
    """
    known = {MANIFEST, *manifest.splitlines()} if manifest else set()
    return next((one for one in found if one not in known), None)


def _manifest(target: Path) -> str:
    try:
        return (target / MANIFEST).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _fill(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    written = []
    for name, content in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        written.append(name)
    (folder / MANIFEST).write_text("".join(f"{name}\n" for name in sorted(written)), encoding="utf-8")
