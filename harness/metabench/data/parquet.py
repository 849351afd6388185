"""Reading Parquet files as the Hugging Face hub serves them: named by a pinned revision, read from disk."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import parquet

from metabench.data.recipe import Source
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_REVISION = re.compile(r"[0-9a-f]{40}")
# Rows of pictures are large.
_ROWS_AT_A_TIME = 256


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
        DataError: A file is no Parquet file, is damaged, or has no such columns.
        FileNotFoundError: It is not there.
    """
    # The library loads slowly and is needed by few datasets.
    import datasets  # noqa: PLC0415

    for file in files:
        for rows in _tables(file, columns):
            yield from datasets.Dataset(rows)


def _tables(file: Path, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The rows of a file, some at a time."""
    if not file.is_file():
        raise FileNotFoundError(f"No such file: {str(file)!r}")
    try:
        # The library that decodes images would scan the file with threads, which can outlive the reading and
        # abort a program that ends meanwhile (github.com/apache/arrow/issues/39862).
        with parquet.ParquetFile(file) as content:
            missing = [name for name in columns if name not in content.schema_arrow.names]
            if missing:
                raise _unreadable(file, columns, f"no column {missing[0]!r}")
            batches = content.iter_batches(_ROWS_AT_A_TIME, columns=list(columns), use_threads=False)
            for batch in batches:
                yield pa.Table.from_batches([batch]).select(columns)
    except (pa.ArrowException, OSError) as error:
        raise _unreadable(file, columns, " ".join(str(error).split())) from error


def _unreadable(file: Path, columns: Sequence[str], reason: str) -> DataError:
    return DataError(
        f"File {file.name!r} cannot be read ({reason}); expected a Parquet file with the columns "
        f"{', '.join(columns)}. Fetch it again."
    )
