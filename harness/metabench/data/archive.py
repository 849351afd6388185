"""Reading archives that come from outside: into memory, within limits, never onto the disk."""

from __future__ import annotations

import gzip
import stat
import tarfile
import zipfile
import zlib
from pathlib import PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING

from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedIOBase
    from pathlib import Path

MAX_MEMBERS = 1_000_000
MAX_MEMBER_BYTES = 64 * 2**20

# zipfile raises RuntimeError for an encrypted archive and ValueError for a name that is no text.
_UNREADABLE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    ValueError,
    OverflowError,
)
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
        raise _unreadable(path.name, error, "zip") from error


def read_tar_members(
    path: Path, suffix: str = "", *, max_member_bytes: int = MAX_MEMBER_BYTES
) -> Iterator[tuple[str, bytes]]:
    """Read the files of a .tar or .tar.gz archive, one after the other, in the order of the archive.

    Such an archive has no list of its members: each is checked when it comes, and a refusal may follow
    members that were fine.

    Args:
        path: The archive.
        suffix: Read only the members whose names end so, e.g. ".jpg".
        max_member_bytes: The largest size of one member, unpacked.

    Yields:
        Name in the archive, without "./" before it, and content.

    Raises:
        DataError: The archive cannot be read, or a member lies outside it, is neither file nor folder, is
            too large, or stands there twice.
    """
    try:
        with _open_unpacked(path) as stream:
            bounded = _Bounded(stream, max_member_bytes)
            with tarfile.open(fileobj=bounded, mode="r:") as archive:  # type: ignore[call-overload]
                for name, entry in _check_tar(archive, path.name, max_member_bytes):
                    if name.endswith(suffix) and (content := archive.extractfile(entry)):
                        yield name, content.read()
                _check_end(stream, archive.offset)
    except _UNREADABLE as error:
        raise _unreadable(path.name, error, "tar") from error


class _Bounded:
    """A file that nobody can make the program read in one piece what does not fit into memory."""

    def __init__(self, stream: BufferedIOBase, max_bytes: int) -> None:
        self.seek, self.tell = stream.seek, stream.tell
        self._stream, self._max_bytes = stream, max_bytes

    def read(self, n_bytes: int) -> bytes:
        # Headers, too, may claim to be of any size; a small member takes a whole block.
        if not 0 <= n_bytes <= max(self._max_bytes, tarfile.RECORDSIZE):
            raise tarfile.ReadError(f"it asks for {n_bytes} bytes of memory")
        return self._stream.read(n_bytes)


def _open_unpacked(path: Path) -> BufferedIOBase:
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_packed else path.open("rb")


def _check_tar(
    archive: tarfile.TarFile, archive_name: str, max_bytes: int
) -> Iterator[tuple[str, tarfile.TarInfo]]:
    """Give the files of an archive with their names, each once it has been checked."""
    seen: set[str] = set()
    for entry in archive:
        has = f"has member {entry.name!r}"
        name = PurePosixPath(entry.name).as_posix()
        if len(seen) == MAX_MEMBERS:
            raise _refusal(archive_name, f"has more than {MAX_MEMBERS} members", "fewer are expected")
        if name in seen:
            raise _refusal(archive_name, f"{has} twice", "distinct names are expected")
        if name != "." or not entry.isdir():
            _check_name(entry.name, archive_name, has)
        if entry.issparse() or not (entry.isreg() or entry.isdir()):
            what = "a link" if entry.islnk() or entry.issym() else "of an unusual type"
            raise _refusal(archive_name, f"{has}, {what}", "files and folders are expected")
        if entry.size > max_bytes:
            raise _refusal(archive_name, f"{has} of {entry.size} bytes", f"at most {max_bytes} are expected")
        seen.add(name)
        # The list that the library keeps of all members would grow with the archive.
        archive.members.clear()  # type: ignore[attr-defined]
        if entry.isreg():
            yield name, entry


def _check_end(stream: BufferedIOBase, offset: int) -> None:
    """Find out whether an archive is whole: its end is marked, and what packed it kept a checksum."""
    stream.seek(offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise EOFError("its end is missing")
    while stream.read(1 << 20):
        pass


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
    _check_name(entry.filename, archive_name, has)
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise _refusal(archive_name, f"{has}, a link", "files and folders are expected")
    if entry.compress_type not in _METHODS:
        raise _refusal(archive_name, f"{has}, packed by method {entry.compress_type}", "deflate is expected")
    if entry.file_size > max_bytes:
        raise _refusal(archive_name, f"{has} of {entry.file_size} bytes", f"at most {max_bytes} are expected")


def _check_name(member: str, archive_name: str, has: str) -> None:
    """Refuse a name that leads out of the archive."""
    # The rules of Windows know drives and both slashes: what is relative by them is relative everywhere.
    name = PureWindowsPath(member)
    if not name.parts or name.anchor or ".." in name.parts:
        raise _refusal(archive_name, has, "relative names without '..' are expected")


def _unreadable(archive_name: str, error: Exception, kind: str) -> DataError:
    reason = " ".join(str(error).split()) or type(error).__name__
    message = f"Archive {archive_name!r} cannot be read ({reason}); a whole {kind} file is expected."
    return DataError(f"{message} Fetch it again.")


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
