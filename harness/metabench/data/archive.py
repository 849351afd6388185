"""Reading zip archives that come from outside: into memory, within limits, never onto the disk."""

from __future__ import annotations

import stat
import zipfile
import zlib
from pathlib import PureWindowsPath
from typing import TYPE_CHECKING

from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_MEMBERS = 1_000_000
MAX_MEMBER_BYTES = 64 * 2**20

# zipfile raises RuntimeError for an encrypted archive and ValueError for a name that is no text.
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def read_members(
    path: Path, suffix: str = "", *, max_member_bytes: int = MAX_MEMBER_BYTES
) -> Iterator[tuple[str, bytes]]:
    """Read the files of a zip archive, one after the other, in the order of their names.

    All members are checked before the first is read. Nothing is extracted, so none can be written
    outside a folder; an archive that tries is refused all the same, as it is not what it claims to be.

    Args:
        path: The archive.
        suffix: Read only the members whose names end so, e.g. ".png".
        max_member_bytes: The largest size of one member, unpacked.

    Yields:
        Name in the archive, with "/" between folders, and content.

    Raises:
        DataError: The archive cannot be read, or a member lies outside it, is a link, is packed in an
            unusual way, is too large, or stands there twice.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            for entry in _list_files(archive, path.name, max_member_bytes):
                if entry.filename.endswith(suffix):
                    yield entry.filename, _read(archive, entry)
    except _UNREADABLE as error:
        message = f"Archive {path.name!r} cannot be read ({error}); a whole zip file is expected."
        raise DataError(f"{message} Fetch it again.") from error


def _list_files(archive: zipfile.ZipFile, archive_name: str, max_bytes: int) -> list[zipfile.ZipInfo]:
    """List the files of an archive by name, once every entry has been checked."""
    entries = archive.infolist()
    if len(entries) > MAX_MEMBERS:
        raise _refusal(archive_name, f"has {len(entries)} members", f"at most {MAX_MEMBERS} are expected")
    seen: set[str] = set()
    for entry in entries:
        has = f"has member {entry.filename!r}"
        if entry.filename in seen:
            raise _refusal(archive_name, f"{has} twice", "distinct names are expected")
        _check_entry(entry, archive_name, has, max_bytes)
        seen.add(entry.filename)
    return sorted((entry for entry in entries if not entry.is_dir()), key=lambda entry: entry.filename)


def _check_entry(entry: zipfile.ZipInfo, archive_name: str, has: str, max_bytes: int) -> None:
    """Refuse a name that leads out of the archive, a link, an unusual packing and an absurd size."""
    # The rules of Windows know drives and both slashes: what is relative by them is relative everywhere.
    name = PureWindowsPath(entry.filename)
    if not name.parts or name.anchor or ".." in name.parts:
        raise _refusal(archive_name, has, "relative names without '..' are expected")
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refusal(archive_name, f"{has}, a link", "files and folders are expected")
    if entry.compress_type not in _METHODS:
        raise _refusal(archive_name, f"{has}, packed by method {entry.compress_type}", "deflate is expected")
    if entry.file_size > max_bytes:
        raise _refusal(archive_name, f"{has} of {entry.file_size} bytes", f"at most {max_bytes} are expected")


def _refusal(archive_name: str, got: str, expected: str) -> DataError:
    """Say what is wrong with an archive that could be read."""
    return DataError(f"Archive {archive_name!r} {got}; {expected}. Fetch it from its official address.")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Read a member, and no more than it declares: a false size cannot fill the memory."""
    with archive.open(entry) as stream:
        content = stream.read(max(entry.file_size, 1))
    if len(content) != entry.file_size:
        raise EOFError(f"member {entry.filename!r} is cut short")
    return content
