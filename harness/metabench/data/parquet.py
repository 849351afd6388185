"""Reading Parquet files as the Hugging Face hub serves them: named by a pinned revision, read from disk."""

from __future__ import annotations

import re
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from metabench.data.places import from_environment
from metabench.data.recipe import Source
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_REVISION = re.compile(r"[0-9a-f]{40}")


def hub_source(
    repository: str, revision: str, path: str, *, size: int | None = None, checksum: str | None = None
) -> Source:
    """Name a file of a data set repository on the Hugging Face hub.

    Args:
        repository: "OWNER/NAME".
        revision: The commit, 40 hexadecimal digits: names of branches move on.
        path: Of the file in the repository.
        size: In bytes, if known.
        checksum: "sha256:…", if known; the hub tells it for every large file.

    Raises:
        DataError: The revision is none.
    """
    if not _REVISION.fullmatch(revision):
        raise DataError(
            f"Revision {revision!r} of {repository!r} is no commit; expected 40 hexadecimal digits. "
            "Mend the recipe."
        )
    url = f"https://huggingface.co/datasets/{repository}/resolve/{revision}/{path}"
    return Source(f"{repository}/{path}", url, size, checksum)


def read_rows(files: Sequence[Path], columns: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Read Parquet files row by row, images decoded; nothing is fetched.

    Args:
        files: On this machine; their rows come one file after the other.
        columns: What a row has; other columns are not read.

    Yields:
        A value for each column. Images are `PIL.Image.Image`.

    Raises:
        DataError: A file is no Parquet file, or has no such columns.
        OSError: A file, or the folder for intermediate files, cannot be used.
    """
    # The library loads slowly and is needed by few datasets.
    import datasets  # noqa: PLC0415
    import pyarrow as pa  # noqa: PLC0415

    cache = from_environment().cache
    cache.mkdir(parents=True, exist_ok=True)
    # Its own cache would be keyed by the times of files, kept for ever, and lie in the user's folder.
    with TemporaryDirectory(dir=cache, prefix="parquet-") as folder, _quiet():
        for file in files:
            if not file.is_file():
                raise FileNotFoundError(f"No such file: {str(file)!r}")
            try:
                rows = datasets.Dataset.from_parquet(str(file), cache_dir=folder, columns=list(columns))
            except (pa.ArrowException, datasets.exceptions.DatasetsError) as error:
                reason = " ".join(str(error.__cause__ or error).split())
                raise DataError(
                    f"File {file.name!r} cannot be read ({reason}); expected a Parquet file with the columns "
                    f"{', '.join(columns)}. Fetch it again."
                ) from error
            yield from rows


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from writing to the terminal: what goes wrong is told once, as an error."""
    import datasets  # noqa: PLC0415

    log = datasets.utils.logging
    level, is_silent = log.get_verbosity(), datasets.are_progress_bars_disabled()
    log.set_verbosity(log.CRITICAL)
    datasets.disable_progress_bars()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if not is_silent:
            datasets.enable_progress_bars()
