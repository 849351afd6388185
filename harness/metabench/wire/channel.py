"""A connection between two processes that carries whole messages, with a time limit on each."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Self, TypeVar

from metabench.clock import now
from metabench.wire.message import (
    PREFIX_BYTES,
    Message,
    WireError,
    decode_arrays,
    decode_header,
    encode,
    header_length,
)

_CHUNK_BYTES = 1 << 20
# Sockets refuse to wait for more than some weeks at once.
_LONGEST_WAIT_S = 3600.0

_Result = TypeVar("_Result")


class PeerGoneError(Exception):
    """The other side has closed the connection."""


class Channel:
    """One end of a socket pair.

    Args:
        connection: A connected stream socket; the channel owns it.
        max_bytes: The largest total size of a received message's arrays.
    """

    def __init__(self, connection: socket.socket, *, max_bytes: int) -> None:
        self._connection = connection
        self._max_bytes = max_bytes
        self._sending = threading.Lock()

    @classmethod
    def from_descriptor(cls, descriptor: int, *, max_bytes: int) -> Self:
        """Take over a socket that this process inherited."""
        return cls(socket.socket(fileno=descriptor), max_bytes=max_bytes)

    def send(self, message: Message, *, within_s: float | None = None) -> None:
        """Send a message whole.

        Args:
            message: What to say.
            within_s: Seconds that the other side has to take it; None: as long as it takes.

        Raises:
            PeerGoneError: The other side is gone.
            TimeoutError: It did not read in time; the connection is of no use afterwards.
        """
        deadline = None if within_s is None else now() + within_s
        try:
            # A plugin may hand over states from several threads; messages must not mix.
            with self._sending:
                for piece in encode(message):
                    rest = memoryview(piece)
                    while rest.nbytes:
                        sent = self._until(deadline, partial(self._connection.send, rest[:_CHUNK_BYTES]))
                        rest = rest[sent:]
        except ConnectionError as error:
            raise PeerGoneError from error

    def receive(self, *, within_s: float | None = None) -> Message:
        """Receive the next message whole.

        Args:
            within_s: Seconds until its last byte must be there; None: as long as it takes.

        Raises:
            PeerGoneError: The other side is gone.
            TimeoutError: It was not there in time; what has arrived of it is lost.
            WireError: What came is no message, or too large a one.
        """
        deadline = None if within_s is None else now() + within_s
        prefix = self._receive_exactly(PREFIX_BYTES, deadline)
        header = decode_header(bytes(self._receive_exactly(header_length(bytes(prefix)), deadline)))
        if header.n_bytes > self._max_bytes:
            raise WireError(f"{header.n_bytes} bytes of arrays; at most {self._max_bytes} are expected")
        return decode_arrays(header, self._receive_exactly(header.n_bytes, deadline))

    def close(self) -> None:
        """Close this end; the other side sees it."""
        self._connection.close()

    def _receive_exactly(self, count: int, deadline: float | None) -> bytearray:
        # Grown as bytes arrive: a header that promises gigabytes allocates none of them.
        received = bytearray()
        while len(received) < count:
            most = min(count - len(received), _CHUNK_BYTES)
            try:
                chunk = self._until(deadline, partial(self._connection.recv, most))
            except ConnectionError as error:
                raise PeerGoneError from error
            if not chunk:
                raise PeerGoneError
            received += chunk
        return received

    def _until(self, deadline: float | None, call: Callable[[], _Result]) -> _Result:
        """Make a call on the socket that must end at the deadline.

        Raises:
            TimeoutError: The deadline has come.
        """
        while True:
            left = _LONGEST_WAIT_S if deadline is None else deadline - now()
            if left <= 0:
                raise TimeoutError
            self._connection.settimeout(min(left, _LONGEST_WAIT_S))
            try:
                return call()
            except TimeoutError:
                continue
