"""Get the files of a dataset that are not on this machine: from a mirror first, else from upstream."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from filelock import FileLock

from metabench.data.origin import find_damage, find_difference, note_origin
from metabench.data.sources import find_file, locate
from metabench.data.transfer import FetchError, Watch, discard, receive
from metabench.errors import DataError

if TYPE_CHECKING:
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe, Source


class PullListener:
    """Is told how the files of datasets are got; does nothing by itself."""

    def progressed(self, path: str, n_bytes: int, total: int | None) -> None:
        """So many bytes of a file are there, of so many if that is known."""

    def finished(self, path: str, address: str) -> None:
        """A file is in its place."""

    def said(self, line: str) -> None:
        """There is something that a user may want to know."""


def pull(
    recipe: Recipe,
    places: Places,
    *,
    start: Path | str | None = None,
    listener: PullListener | None = None,
    again: bool = False,
) -> dict[str, Path]:
    """Get the files of a dataset that are not on this machine, or are damaged.

    Args:
        recipe: The dataset.
        places: Where data lies; files go among the downloads.
        start: Folder or http(s) address with files of datasets, tried before all others.
        listener: Is told how it goes.
        again: Get also those that were pulled before; each stays until another one is there.

    Raises:
        DataError: No address gave a file that the recipe names, or there is no room for it.
    """
    for source in recipe.sources:
        _pull_one(source, places, start, listener or PullListener(), again=again)
    return locate(recipe, places)


def _pull_one(
    source: Source, places: Places, start: Path | str | None, listener: PullListener, *, again: bool
) -> None:
    target = places.downloads / source.path
    found = find_file(source, places)
    if found not in {None, target} or not _is_missing(source, target, listener, again=again):
        return
    mirrors = (start, places.mirror if isinstance(places.mirror, str) else None)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(f"{target.name}.lock")):
            # Another process may have got it while this one waited for the lock.
            if again or not target.is_file() or find_damage(source, target) is not None:
                _fetch(source, target, [one for one in mirrors if one is not None], listener)
    except OSError as error:
        raise DataError(
            f"File {str(target)!r} cannot be written ({error}); expected a folder with room for "
            f"{_expected(source)}. Make room and run the same command, which goes on from what it has, "
            "or name another folder in METABENCH_HOME."
        ) from error


def _is_missing(source: Source, target: Path, listener: PullListener, *, again: bool) -> bool:
    """Whether a file must be fetched to be among the downloads."""
    if again or not target.is_file():
        return True
    damage = find_damage(source, target)
    if damage is not None:
        listener.said(f"File {source.path!r} is damaged ({damage}); getting it again")
    return damage is not None


def _fetch(source: Source, target: Path, mirrors: list[Path | str], listener: PullListener) -> None:
    """Try the mirrors, then the official addresses, until one gives the file.

    Raises:
        DataError: None did.
        OSError: The file cannot be written.
    """
    part = target.with_name(f"{target.name}.part")
    failures = []
    for address in (*mirrors, source.url, *source.other_urls):
        place = address if address in {source.url, *source.other_urls} else _within(address, source.path)
        try:
            _bring(place, part, source, listener, is_official=place is address)
        except FetchError as error:
            failures.append(f"{_kind(place)} {str(place)!r} {error}")
        else:
            _put_in_place(part, target, str(place))
            listener.finished(source.path, str(place))
            return
    raise DataError(
        f"{', '.join(failures)}; expected {_expected(source)}. Try again later, or name a folder or an "
        f"address that has {source.path!r} by --from or in METABENCH_MIRROR."
    )


def _bring(
    place: Path | str, part: Path, source: Source, listener: PullListener, *, is_official: bool
) -> None:
    """Bring a file from one place and compare it with what the recipe says.

    Raises:
        FetchError: There is none, or not the one that the recipe names.
        OSError: It cannot be written.
    """
    if isinstance(place, Path):
        if not place.is_file():
            raise FetchError("does not exist")
        discard(part)
        shutil.copyfile(place, part)
    else:
        watch = Watch(partial(listener.progressed, source.path), listener.said)
        receive(place, part, size=source.size if is_official else None, watch=watch)
    difference = find_difference(part, source.size, source.checksum)
    if difference is None:
        return
    if is_official:
        discard(part)
        raise FetchError(f"gave {difference}")
    listener.said(
        f"{_kind(place)} {str(place)!r} gave {difference}; upstream has {_expected(source)}. "
        "What it holds is compared when the dataset is built"
    )


def _put_in_place(part: Path, target: Path, address: str) -> None:
    """Note what came from where, so that later damage is found, and let the file appear whole."""
    note_origin(target, part, address)
    part.replace(target)
    discard(part)


def _within(mirror: Path | str, path: str) -> Path | str:
    return mirror / path if isinstance(mirror, Path) else f"{mirror.rstrip('/')}/{quote(path)}"


def _kind(place: Path | str) -> str:
    return "File" if isinstance(place, Path) else "Address"


def _expected(source: Source) -> str:
    """What the recipe says of a file, in words."""
    size = "a file" if source.size is None else f"{source.size} bytes"
    return f"{size} with {source.checksum}" if source.checksum else size
