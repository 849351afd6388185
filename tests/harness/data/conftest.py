"""A server on this machine that misbehaves as it is told."""

from __future__ import annotations

import hashlib
import re
import socket
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from metabench.data import transfer
from metabench.data.recipe import Source

CONTENT = b"drawings" * 1000
Answer = Callable[[BaseHTTPRequestHandler], None]


def checksum_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Gives the answers it is told, one a request, the last one again and again."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, str | None]] = []  # path and Range
        self.stopping = Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def source(self) -> Source:
        url = f"{self.address}/drawings.zip"
        return Source("some/drawings.zip", url, len(CONTENT), checksum_of(CONTENT))


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append((self.path, self.headers.get("Range")))
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


class Answers:
    """What a server may do; each returns what answers one request."""

    @staticmethod
    def sends(content: bytes, *, status: int = 200, declared: int | None = None, **headers: str) -> Answer:
        """Send a body, declare its length or another one, and hang up."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            handler.send_header("Content-Length", str(len(content) if declared is None else declared))
            for name, value in headers.items():
                handler.send_header(name.replace("_", "-"), value)
            handler.end_headers()
            handler.wfile.write(content)

        return answer

    @staticmethod
    def serves(content: bytes, *, tag: str, cut_after: int | None = None) -> Answer:
        """Serve a file as good servers do, with its tag and in parts; break off after some bytes."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
            first = int(asked[1]) if asked and handler.headers.get("If-Range") == tag else 0
            if first >= len(content):
                handler.send_response(416)
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206 if first else 200)
            if first:
                handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
            handler.send_header("Content-Length", str(len(content) - first))
            handler.send_header("ETag", tag)
            handler.end_headers()
            handler.wfile.write(content[first : None if cut_after is None else first + cut_after])

        return answer

    @staticmethod
    def without_length(content: bytes) -> Answer:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.end_headers()
            handler.wfile.write(content)

        return answer

    @staticmethod
    def hangs_up(handler: BaseHTTPRequestHandler) -> None:
        handler.connection.shutdown(socket.SHUT_RDWR)

    @staticmethod
    def hangs(handler: BaseHTTPRequestHandler) -> None:
        """Say nothing until the test ends."""
        assert isinstance(handler.server, Server)
        handler.server.stopping.wait()

    @staticmethod
    def hangs_in_the_body(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(CONTENT)))
        handler.end_headers()
        handler.wfile.write(CONTENT[:10])
        Answers.hangs(handler)

    @staticmethod
    def asks_to_wait_for_a_day(handler: BaseHTTPRequestHandler) -> None:
        Answers.sends(b"", status=503, Retry_After="86400")(handler)

    @staticmethod
    def redirects_for_ever(handler: BaseHTTPRequestHandler) -> None:
        Answers.sends(b"", status=302, Location="/elsewhere")(handler)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server on this machine; whoever fetches from it waits for nothing."""
    monkeypatch.setattr(transfer, "BACKOFF_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.stopping.set()
        server.shutdown()
        thread.join()


@pytest.fixture
def content() -> bytes:
    """What `Server.source` names."""
    return CONTENT


@pytest.fixture
def answers() -> type[Answers]:
    """What a server may do."""
    return Answers
