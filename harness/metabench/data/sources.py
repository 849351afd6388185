"""Find the files of a dataset on this machine, and fetch those that are not there."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from metabench.errors import DataError, DataUnavailableError

if TYPE_CHECKING:
    from pathlib import Path

    from metabench.data.places import Places
    from metabench.data.recipe import Recipe, Source

_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 30.0


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
        f"{', '.join(repr(str(folder)) for folder in folders)}. Run `metabench data pull {dataset}`, or name a "
        "folder that has it in METABENCH_MIRROR."
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
    """Fetch one file, check it, and put it in place whole.

    Raises:
        DataError: No answer, an error answer, or a file of another size or checksum.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    try:
        digest, size = _receive(source.url, part)
    except requests.RequestException as error:
        part.unlink(missing_ok=True)
        raise DataError(
            f"Address {source.url!r} gave no file ({type(error).__name__}); expected {source.size} bytes. "
            "Check the connection, or name a folder with the file in METABENCH_MIRROR."
        ) from error
    if (digest, size) != (source.sha256, source.size):
        part.unlink(missing_ok=True)
        raise DataError(
            f"Address {source.url!r} gave {size} bytes with sha256 {digest}; expected {source.size} bytes with "
            f"sha256 {source.sha256}. Try again, or name a folder with the file in METABENCH_MIRROR."
        )
    part.replace(target)


def _receive(url: str, part: Path) -> tuple[str, int]:
    """Stream an address into a file; its sha256 and size in bytes."""
    digest, size = hashlib.sha256(), 0
    with requests.Session() as session, part.open("wb") as file:
        retry = HTTPAdapter(
            max_retries=Retry(3, backoff_factor=0.5, status_forcelist=[429, 500, 502, 503, 504])
        )
        session.mount("https://", retry)
        session.mount("http://", retry)
        with session.get(url, stream=True, timeout=_TIMEOUT_S) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(_CHUNK_BYTES):
                digest.update(chunk)
                size += file.write(chunk)
    return digest.hexdigest(), size
