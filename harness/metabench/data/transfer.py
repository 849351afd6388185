"""Receive one file from an address, going on where an earlier attempt stopped.

Beside the part that is there lies a note of what it is a part of: the address, and the tag that the server
gave the file. A server is asked for the rest only of that very file; whatever else it answers starts anew.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
import urllib3

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CHUNK_BYTES = 1 << 20
TIMEOUT_S = 30.0
ATTEMPTS = 4
BACKOFF_S = 1.0
# Where nobody knows how large a file is, a server must not be able to fill the disk.
MAX_BYTES = 64 * 2**30
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429, 500, 502, 503, 504})
_BROKEN_OFF = (
    requests.ConnectionError,
    requests.Timeout,
    urllib3.exceptions.HTTPError,
)
_REASONS = {
    requests.exceptions.SSLError: "no trustworthy certificate",
    requests.ConnectionError: "no connection",
    requests.TooManyRedirects: "redirected without end",
    requests.exceptions.MissingSchema: "no http(s) address",
    requests.exceptions.InvalidSchema: "no http(s) address",
    requests.exceptions.InvalidURL: "no http(s) address",
}


class FetchError(Exception):
    """An address gave no file; its text goes on after "Address 'https://…' "."""


@dataclass(frozen=True)
class Watch:
    """Who is told how a transfer goes.

    Attributes:
        progressed: Gets the bytes that are there, and how many there will be if that is known.
        said: Gets a line that a user may want to know.
    """

    progressed: Callable[[int, int | None], None] = lambda _n_bytes, _total: None
    said: Callable[[str], None] = lambda _line: None


@dataclass(frozen=True)
class _Note:
    """What a part is a part of.

    Attributes:
        url: Where it came from.
        tag: Strong ETag or date of change of the file; None where the server gave none.
        total: Bytes of the whole file, if the server said so.
    """

    url: str
    tag: str | None
    total: int | None


def receive(url: str, part: Path, *, size: int | None, watch: Watch) -> None:
    """Receive a file, trying again where that may help.

    Args:
        url: The address.
        part: Where the file goes. What is there of an earlier attempt is kept if it is of the same file,
            and what came stays there if this attempt fails.
        size: Bytes that are expected, if that is known.
        watch: Is told how it goes.

    Raises:
        FetchError: No answer, an error answer, or more than is expected.
        OSError: The file cannot be written.
    """
    failures = 0
    while True:
        before = _size_of(part)
        try:
            _receive_once(url, part, size, watch)
        except (*_BROKEN_OFF, _TryAgainError) as error:
            # A large file over a poor line goes on as long as each attempt brings some of it.
            failures = 1 if _size_of(part) >= before + CHUNK_BYTES else failures + 1
            if failures == ATTEMPTS:
                raise FetchError(f"gave no file ({_reason(error, part)})") from error
            pause_s = BACKOFF_S * 2 ** (failures - 1)
            watch.said(f"{url}: {_reason(error, part)}; trying again in {pause_s:.0f} s")
            time.sleep(pause_s)
        except requests.RequestException as error:
            raise FetchError(f"gave no file ({_reason(error, part)})") from error
        else:
            return


class _TryAgainError(Exception):
    """A server says that it cannot answer now."""


def _receive_once(url: str, part: Path, size: int | None, watch: Watch) -> None:
    have, note = _size_of(part), _read_note(part)
    goes_on = have > 0 and note.url == url and note.tag is not None
    # Bytes are counted as they lie at the address, so they must not be packed for the way.
    headers = {"Accept-Encoding": "identity"}
    if goes_on:
        headers |= {"Range": f"bytes={have}-", "If-Range": str(note.tag)}
    with requests.get(url, stream=True, timeout=TIMEOUT_S, headers=headers) as answer:
        status = answer.status_code
        if goes_on and status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and have == note.total:
            return
        if goes_on and _is_rest(answer, have, note):
            _append(answer, part, size, note, watch)
        elif goes_on and status in {HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, HTTPStatus.PARTIAL_CONTENT}:
            discard(part)
            raise _TryAgainError("it has another file now")
        elif status in _WORTH_ANOTHER_TRY:
            raise _TryAgainError(f"status {status}")
        elif status != HTTPStatus.OK:
            raise FetchError(f"gave no file (status {status})")
        else:
            discard(part)
            note = _told(url, answer)
            _note_file(part).write_text(json.dumps(asdict(note)), encoding="utf-8")
            _append(answer, part, size, note, watch)


def _is_rest(answer: requests.Response, have: int, note: _Note) -> bool:
    """Whether an answer is the rest of the file that a part is of."""
    begins = answer.headers.get("Content-Range", "").startswith(f"bytes {have}-")
    return answer.status_code == HTTPStatus.PARTIAL_CONTENT and begins and _told(note.url, answer) == note


def _append(answer: requests.Response, part: Path, size: int | None, note: _Note, watch: Watch) -> None:
    total = note.total if size is None else size
    most = MAX_BYTES if size is None else size
    n_bytes = _size_of(part)
    if note.total is not None and note.total > most:
        raise _too_large(part, most)
    with part.open("ab") as file:
        for chunk in _chunks(answer):
            n_bytes += file.write(chunk)
            if n_bytes > most:
                raise _too_large(part, most)
            watch.progressed(n_bytes, total)
    if note.total is not None and n_bytes < note.total:
        raise _TryAgainError(f"cut off after {n_bytes} bytes")


def _chunks(answer: requests.Response) -> Iterator[bytes]:
    """The body as it came over the line: a server may call a .gz file "packed for the way"."""
    yield from answer.raw.stream(CHUNK_BYTES, decode_content=False)


def _too_large(part: Path, most: int) -> FetchError:
    discard(part)
    return FetchError(f"gave more than {most} bytes")


def _told(url: str, answer: requests.Response) -> _Note:
    """What an answer says of the whole file."""
    tag = answer.headers.get("ETag", "")
    if not tag or tag.startswith("W/"):  # weak: two files that are alike may have it in common
        tag = answer.headers.get("Last-Modified", "")
    return _Note(url, tag or None, _total(answer.headers))


def _total(headers: Mapping[str, str]) -> int | None:
    text = headers.get("Content-Range", "").rpartition("/")[2] or headers.get("Content-Length", "")
    return int(text) if text.isdecimal() else None


def discard(part: Path) -> None:
    """Forget what an earlier attempt left."""
    part.unlink(missing_ok=True)
    _note_file(part).unlink(missing_ok=True)


def _note_file(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _read_note(part: Path) -> _Note:
    try:
        told = json.loads(_note_file(part).read_text(encoding="utf-8"))
        return _Note(told["url"], told["tag"], told["total"])
    except (OSError, ValueError, LookupError, TypeError):
        return _Note("", None, None)


def _size_of(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0


def _reason(error: Exception, part: Path) -> str:
    """Say in a few words why there is no file; the libraries' own texts name sockets and retries."""
    if isinstance(error, _TryAgainError):
        return str(error)
    if isinstance(error, (requests.Timeout, urllib3.exceptions.TimeoutError)):
        return f"no answer for {TIMEOUT_S:.0f} s"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return f"broken off after {_size_of(part)} bytes"
    told = (reason for kind, reason in _REASONS.items() if isinstance(error, kind))
    return next(told, type(error).__name__)
