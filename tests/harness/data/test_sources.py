"""Files of datasets: found on this machine, or fetched from a server that may misbehave."""

import hashlib
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from metabench.data import sources
from metabench.data.places import Places
from metabench.data.recipe import Recipe, Source
from metabench.data.sources import download, locate, pull
from metabench.errors import DataError, DataUnavailableError

CONTENT = b"drawings" * 1000
Answer = Callable[[BaseHTTPRequestHandler], None]


def checksum_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class Server(ThreadingHTTPServer):
    """Gives the answers it is told, one a request, the last one again and again."""

    daemon_threads = True
    answers: list[Answer]
    n_requests = 0

    @property
    def source(self) -> Source:
        url = f"http://127.0.0.1:{self.server_port}/drawings.zip"
        return Source("some/drawings.zip", url, len(CONTENT), checksum_of(CONTENT))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Server)
        self.server.n_requests += 1
        answers = self.server.answers
        (answers.pop(0) if len(answers) > 1 else answers[0])(self)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


def sends(content: bytes, *, status: int = 200, declared: int | None = None) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(content) if declared is None else declared))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def hangs_up(handler: BaseHTTPRequestHandler) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


def asks_to_wait_for_a_day(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(503)
    handler.send_header("Retry-After", "86400")
    handler.send_header("Content-Length", "0")
    handler.end_headers()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(sources, "_BACKOFF_S", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "downloads" / "some" / "drawings.zip"


def recipe(*files: Source) -> Recipe:
    return Recipe("drawings", "", "image", "conv4", "", "", files, None, lambda _files: iter(()))


def refusal(source: Source, target: Path) -> str:
    """The one line that a failed download gives; nothing of it stays."""
    with pytest.raises(DataError) as caught:
        download(source, target)
    message = str(caught.value)
    assert "\n" not in message
    assert source.url in message
    assert "METABENCH_MIRROR" in message
    assert not list(target.parent.glob("*.part"))
    return message


def put(folder: Path, content: bytes = b"") -> Path:
    file = folder / "some" / "drawings.zip"
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    return file


def test_fetches_a_file(server: Server, target: Path) -> None:
    server.answers = [sends(CONTENT)]

    download(server.source, target)

    assert target.read_bytes() == CONTENT
    assert not list(target.parent.glob("*.part"))


def test_tries_again_after_a_server_error(server: Server, target: Path) -> None:
    server.answers = [sends(b"", status=500), hangs_up, sends(CONTENT)]

    download(server.source, target)

    assert target.read_bytes() == CONTENT
    assert server.n_requests == 3


def test_gives_up_on_a_server_that_never_recovers(server: Server, target: Path) -> None:
    server.answers = [sends(b"", status=500)]

    assert "gave no file (status 500); expected 8000 bytes" in refusal(server.source, target)
    assert server.n_requests == 4


def test_does_not_wait_as_long_as_a_server_asks(server: Server, target: Path) -> None:
    server.answers = [asks_to_wait_for_a_day, sends(CONTENT)]

    download(server.source, target)

    assert target.read_bytes() == CONTENT


def test_reports_an_address_that_has_nothing(server: Server, target: Path) -> None:
    server.answers = [sends(b"<html>none here</html>", status=404)]

    assert "(status 404)" in refusal(server.source, target)
    assert server.n_requests == 1


def test_reports_a_closed_connection(server: Server, target: Path) -> None:
    server.answers = [hangs_up]

    assert "(ConnectionError)" in refusal(server.source, target)


def test_reports_a_server_that_is_not_there(server: Server, target: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        url = f"http://127.0.0.1:{closed.getsockname()[1]}/drawings.zip"

        assert "(ConnectionError)" in refusal(replace(server.source, url=url), target)


def test_reports_an_address_that_is_none(target: Path) -> None:
    assert "(MissingSchema)" in refusal(Source("a.zip", "example/a.zip", 1, ""), target)


def test_reports_a_body_that_is_cut_short(server: Server, target: Path) -> None:
    server.answers = [sends(CONTENT[:5000], declared=len(CONTENT))]

    assert "(ChunkedEncodingError)" in refusal(server.source, target)


def test_reports_a_shorter_file(server: Server, target: Path) -> None:
    server.answers = [sends(b"<html>sign in</html>")]

    assert "gave 20 bytes with sha256:" in refusal(server.source, target)


def test_reports_other_content_of_the_same_size(server: Server, target: Path) -> None:
    other = CONTENT[:-1] + b"?"
    server.answers = [sends(other)]

    message = refusal(server.source, target)

    assert checksum_of(other) in message
    assert str(server.source.checksum) in message


def test_a_checksum_may_be_of_another_kind(server: Server, target: Path) -> None:
    md5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
    server.answers = [sends(CONTENT)]
    download(replace(server.source, checksum=md5), target)

    assert target.read_bytes() == CONTENT
    server.answers = [sends(CONTENT[::-1])]
    assert f"expected 8000 bytes with {md5}" in refusal(replace(server.source, checksum=md5), target)


def test_a_file_of_which_nothing_is_known_is_taken_as_it_comes(server: Server, target: Path) -> None:
    server.answers = [sends(CONTENT)]

    download(replace(server.source, size=None, checksum=None), target)

    assert target.read_bytes() == CONTENT


def test_stops_receiving_what_is_too_large(
    server: Server, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_CHUNK_BYTES", 1000)
    server.answers = [sends(CONTENT * 3)]

    assert "gave more than 8000 bytes" in refusal(server.source, target)

    _, received = sources._receive(server.source, target.with_name("part"))
    assert received == 9000


@pytest.mark.parametrize(
    "answer", [sends(b"", status=500), sends(b"other"), sends(CONTENT[:99], declared=8000), hangs_up]
)
def test_a_failed_download_leaves_the_earlier_file_alone(
    server: Server, target: Path, answer: Answer
) -> None:
    server.answers = [sends(CONTENT), answer]
    download(server.source, target)

    refusal(server.source, target)

    assert target.read_bytes() == CONTENT


def test_what_a_dead_process_left_is_overwritten(server: Server, target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.with_name("drawings.zip.part").write_bytes(CONTENT * 2)
    server.answers = [sends(CONTENT)]

    download(server.source, target)

    assert target.read_bytes() == CONTENT
    assert not list(target.parent.glob("*.part"))


def test_several_may_fetch_one_file_at_once(server: Server, target: Path) -> None:
    server.answers = [sends(CONTENT)]
    threads = [Thread(target=download, args=(server.source, target)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert target.read_bytes() == CONTENT
    assert not list(target.parent.glob("*.part"))


def test_reports_a_folder_that_cannot_be_written(server: Server, tmp_path: Path) -> None:
    (tmp_path / "downloads").write_text("a file where a folder should be")

    with pytest.raises(DataError, match=r"cannot be written .*expected a folder .* in METABENCH_HOME"):
        download(server.source, tmp_path / "downloads" / "drawings.zip")


def test_the_mirror_goes_before_the_downloads(server: Server, tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "mirror")
    downloaded = put(places.downloads)

    assert locate(recipe(server.source), places) == {"some/drawings.zip": downloaded}

    mirrored = put(tmp_path / "mirror")

    assert locate(recipe(server.source), places) == {"some/drawings.zip": mirrored}


def test_a_missing_file_is_reported_with_the_next_step(server: Server, tmp_path: Path) -> None:
    places = Places(tmp_path / "home", tmp_path / "mirror")

    with pytest.raises(
        DataUnavailableError,
        match=r"'drawings' needs the file 'some/drawings\.zip'.*mirror.*downloads.*Run `metabench data pull",
    ):
        locate(recipe(server.source), places)


def test_a_dataset_without_files_needs_none(tmp_path: Path) -> None:
    assert locate(recipe(), Places(tmp_path, None)) == {}


def test_pulling_fetches_only_what_is_missing(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(CONTENT)]
    places = Places(tmp_path / "home", tmp_path / "mirror")
    mirrored = put(tmp_path / "mirror", b"packed anew")
    missing = replace(server.source, path="other.zip")

    files = pull(recipe(server.source, missing), places)

    assert files == {"some/drawings.zip": mirrored, "other.zip": places.downloads / "other.zip"}
    assert files["other.zip"].read_bytes() == CONTENT
    assert server.n_requests == 1
    assert pull(recipe(server.source, missing), places) == files
    assert server.n_requests == 1


def test_pulling_reports_a_failed_download(server: Server, tmp_path: Path) -> None:
    server.answers = [sends(b"", status=404)]

    with pytest.raises(DataError, match=r"drawings\.zip' gave no file \(status 404\)"):
        pull(recipe(server.source), Places(tmp_path, None))
