"""Find the files of a dataset on this machine, and fetch those that are not there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import requests
from filelock import FileLock
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from metabench.errors import DataError, DataUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from metabench.data.places import Places
    from metabench.data.recipe import Recipe, Source

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0
_RETRIES = 3
_BACKOFF_S = 0.5


def locate(recipe: Recipe, places: Places) -> dict[str, Path]:
    """Find every file of a dataset, in the mirror first, then among the downloads.

    Raises:
        DataUnavailableError: A file is in neither.
    """
    return {source.path: _locate_one(recipe.name, source, places) for source in recipe.sources}


def _locate_one(dataset: str, source: Source, places: Places) -> Path:
    folders = [folder for folder in (places.mirror, places.downloads) if folder is not None]
    for folder in folders:
        if (folder / source.path).is_file():
            return folder / source.path
    raise DataUnavailableError(
        f"Dataset {dataset!r} needs the file {source.path!r}; it is in none of "
        f"{', '.join(repr(str(folder)) for folder in folders)}. Run `metabench data pull {dataset}`, or name "
        "a folder that has it in METABENCH_MIRROR."
    )


def pull(recipe: Recipe, places: Places) -> dict[str, Path]:
    """Fetch the files of a dataset that are not on this machine.

    Raises:
        DataError: A download failed, or is not the file that the recipe names.
    """
    for source in recipe.sources:
        try:
            _locate_one(recipe.name, source, places)
        except DataUnavailableError:
            download(source, places.downloads / source.path)
    return locate(recipe, places)


def download(source: Source, target: Path) -> None:
    """Fetch one file, check it, and put it in place whole, under a lock that goes with the process.

    Raises:
        DataError: No answer, an error answer, a file of another size or checksum, or no room for it.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(target.with_name(target.name + ".lock")):
            try:
                _fetch(source, part)
                part.replace(target)
            finally:
                part.unlink(missing_ok=True)
    except OSError as error:
        raise DataError(
            f"File {str(target)!r} cannot be written ({error}); expected a folder with room for "
            f"{_expected(source)}. Name another one in METABENCH_HOME."
        ) from error


def _fetch(source: Source, part: Path) -> None:
    """Receive one file and compare it with what the recipe says.

    Raises:
        DataError: No answer, an error answer, or a file of another size or checksum.
    """
    try:
        digest, size = _receive(source, part)
    except requests.RequestException as error:
        raise DataError(
            f"Address {source.url!r} gave no file ({_reason(error)}); expected {_expected(source)}. "
            "Check the connection, or name a folder with the file in METABENCH_MIRROR."
        ) from error
    too_large = source.size is not None and size > source.size
    if size != (source.size or size) or digest != (source.checksum or digest):
        got = f"more than {source.size} bytes" if too_large else f"{size} bytes with {digest}"
        raise DataError(
            f"Address {source.url!r} gave {got}; expected {_expected(source)}. "
            "Try again, or name a folder with the file in METABENCH_MIRROR."
        )


def _receive(source: Source, part: Path) -> tuple[str, int]:
    """Stream an address into a file, but little more than is expected; its checksum and size in bytes."""
    # What a server asks to wait is not heeded: it may be hours, in which nothing would seem to happen.
    retry = Retry(
        _RETRIES,
        backoff_factor=_BACKOFF_S,
        status_forcelist=[429, 500, 502, 503, 504],
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    algorithm = (source.checksum or "sha256:").partition(":")[0]
    digest, size = hashlib.new(algorithm, usedforsecurity=False), 0
    with requests.Session() as session, part.open("wb") as file:
        for scheme in ("https://", "http://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        with session.get(source.url, stream=True, timeout=_TIMEOUT_S) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK_BYTES):
                digest.update(chunk)
                size += file.write(chunk)
                if source.size is not None and size > source.size:
                    break
    return f"{algorithm}:{digest.hexdigest()}", size


def _expected(source: Source) -> str:
    """What the recipe says of a file, in words."""
    size = "a file" if source.size is None else f"{source.size} bytes"
    return f"{size} with {source.checksum}" if source.checksum else size


def _reason(error: requests.RequestException) -> str:
    """Say in a few words why there is no file; the library's own text names sockets and retries."""
    if error.response is not None:
        return f"status {error.response.status_code}"
    return type(error).__name__
