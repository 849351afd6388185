"""Receiving a file from a server that may misbehave."""

import socket
from pathlib import Path

import pytest

from metabench.data import transfer
from metabench.data.transfer import FetchError, Watch, discard, receive


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "drawings.zip.part"


def get(server, part, *, size=None, watch=None):
    receive(f"{server.address}/drawings.zip", part, size=size, watch=watch or Watch())


def ranges(server):
    return [asked for _, asked in server.requests]


def test_receives_a_file_and_tells_how_it_goes(server, answers, content, part, monkeypatch) -> None:
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 3000)
    server.answers = [answers.sends(content)]
    told = []

    get(server, part, watch=Watch(progressed=lambda *numbers: told.append(numbers)))

    assert part.read_bytes() == content
    assert told == [(3000, 8000), (6000, 8000), (8000, 8000)]


def test_goes_on_where_it_was_broken_off(server, answers, content, part) -> None:
    server.answers = [answers.serves(content, tag='"1"', cut_after=3000), answers.serves(content, tag='"1"')]

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server) == [None, "bytes=3000-"]


def test_goes_on_from_what_an_earlier_command_left(server, answers, content, part) -> None:
    server.answers = [answers.serves(content, tag='"1"', cut_after=1000)]
    with pytest.raises(FetchError):
        get(server, part)
    n_earlier, left = len(server.requests), part.stat().st_size
    server.answers = [answers.serves(content, tag='"1"')]

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server)[n_earlier:] == [f"bytes={left}-"]


def test_a_date_of_change_will_do_as_a_tag(server, answers, content, part) -> None:
    date = "Tue, 01 Oct 2024 10:00:00 GMT"
    server.answers = [
        answers.sends(content[:5000], declared=8000, Last_Modified=date, ETag='W/"weak"'),
        answers.sends(
            content[5000:], status=206, Last_Modified=date, Content_Range=f"bytes 5000-7999/{len(content)}"
        ),
    ]

    get(server, part)

    assert part.read_bytes() == content


def test_a_file_that_changed_meanwhile_is_received_anew(server, answers, content, part) -> None:
    server.answers = [
        answers.serves(content, tag='"1"', cut_after=3000),
        answers.serves(content[::-1], tag='"2"'),
    ]

    get(server, part)

    assert part.read_bytes() == content[::-1]


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"2"', "Content_Range": "bytes 3000-7999/8000"},
        {"ETag": '"1"', "Content_Range": "bytes 3000-8999/9000"},
        {"ETag": '"1"', "Content_Range": "bytes 2000-7999/8000"},
        {"ETag": '"1"', "Content_Range": "bytes 3000-7999/*"},
        {"ETag": '"1"'},
    ],
    ids=["other tag", "other size", "other place", "no size", "no place"],
)
def test_two_files_are_never_joined(server, answers, content, part, headers) -> None:
    server.answers = [
        answers.serves(content, tag='"1"', cut_after=3000),
        answers.sends(b"x" * 5000, status=206, **headers),
        answers.sends(content),
    ]

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server) == [None, "bytes=3000-", None]


def test_a_part_without_a_tag_is_received_anew(server, answers, content, part) -> None:
    server.answers = [answers.sends(content[:5000], declared=8000), answers.sends(content)]

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server) == [None, None]


def test_a_part_from_another_address_is_received_anew(server, answers, content, part) -> None:
    server.answers = [answers.serves(content, tag='"1"', cut_after=1000)]
    with pytest.raises(FetchError):
        receive(f"{server.address}/other.zip", part, size=None, watch=Watch())
    server.answers = [answers.serves(content, tag='"1"')]

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server)[-1] is None


def test_a_server_without_parts_starts_anew(server, answers, content, part) -> None:
    server.answers = [
        answers.sends(content[:3000], declared=8000, ETag='"1"'),
        answers.sends(content, ETag='"1"'),
    ]

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server) == [None, "bytes=3000-"]


def test_a_part_that_is_whole_already_is_taken(server, answers, content, part) -> None:
    server.answers = [answers.serves(content, tag='"1"')]
    get(server, part)

    get(server, part)

    assert part.read_bytes() == content
    assert ranges(server) == [None, "bytes=8000-"]


def test_a_part_longer_than_the_file_is_received_anew(server, answers, content, part) -> None:
    server.answers = [answers.serves(content, tag='"1"')]
    get(server, part)
    part.write_bytes(content * 2)

    get(server, part)

    assert part.read_bytes() == content


@pytest.mark.parametrize("note", ["", "{", "[]", "null", '{"url": 1}'])
def test_a_damaged_note_starts_anew(server, answers, content, part, note) -> None:
    server.answers = [answers.serves(content, tag='"1"')]
    part.write_bytes(b"junk")
    part.with_name(f"{part.name}.json").write_text(note)

    get(server, part)

    assert part.read_bytes() == content


def test_tries_again_after_what_may_pass(server, answers, content, part) -> None:
    server.answers = [answers.sends(b"", status=500), answers.hangs_up, answers.sends(content)]
    said = []

    get(server, part, watch=Watch(said=said.append))

    assert part.read_bytes() == content
    assert [line.partition(": ")[2] for line in said] == [
        "status 500; trying again in 0 s",
        "no connection; trying again in 0 s",
    ]


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_gives_up_on_a_server_that_never_recovers(server, answers, part, status) -> None:
    server.answers = [answers.sends(b"", status=status)]

    with pytest.raises(FetchError, match=rf"\Agave no file \(status {status}\)\Z"):
        get(server, part)

    assert len(server.requests) == 4


def test_goes_on_over_a_poor_line_as_long_as_something_comes(server, answers, content, part, monkeypatch):
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 500)
    server.answers = [answers.serves(content, tag='"1"', cut_after=500)]

    get(server, part)

    assert part.read_bytes() == content
    assert len(server.requests) == 16


def test_waits_longer_each_time(server, answers, part, monkeypatch) -> None:
    waited = []
    monkeypatch.setattr(transfer.time, "sleep", waited.append)
    monkeypatch.setattr(transfer, "BACKOFF_S", 1.0)
    server.answers = [answers.sends(b"", status=500)]

    with pytest.raises(FetchError):
        get(server, part)

    assert waited == [1.0, 2.0, 4.0]


def test_does_not_wait_as_long_as_a_server_asks(server, answers, content, part) -> None:
    server.answers = [answers.asks_to_wait_for_a_day, answers.sends(content)]

    get(server, part)

    assert part.read_bytes() == content


@pytest.mark.parametrize("manner", ["hangs", "hangs_in_the_body"])
def test_a_server_that_hangs_is_given_up(server, answers, part, monkeypatch, manner) -> None:
    monkeypatch.setattr(transfer, "TIMEOUT_S", 0.05)
    server.answers = [getattr(answers, manner)]

    with pytest.raises(FetchError, match=r"gave no file \(no answer for 0 s\)"):
        get(server, part)


def test_a_server_that_redirects_for_ever_is_given_up(server, answers, part) -> None:
    server.answers = [answers.redirects_for_ever]

    with pytest.raises(FetchError, match=r"gave no file \(redirected without end\)"):
        get(server, part)

    assert len(server.requests) < 40


@pytest.mark.parametrize("status", [204, 206, 304, 401, 403, 404, 410])
def test_an_address_that_has_nothing_is_asked_once(server, answers, part, status) -> None:
    server.answers = [answers.sends(b"" if status in {204, 304} else b"<html>none</html>", status=status)]

    with pytest.raises(FetchError, match=rf"gave no file \(status {status}\)"):
        get(server, part)

    assert len(server.requests) == 1
    assert not part.exists()


def test_a_server_that_is_not_there(part, server) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens

        with pytest.raises(FetchError, match=r"\(no connection\)"):
            receive(f"http://127.0.0.1:{closed.getsockname()[1]}/a", part, size=None, watch=Watch())


@pytest.mark.parametrize("url", ["example/a.zip", "ftp://127.0.0.1/a.zip", "http://"])
def test_an_address_that_is_none(part, url) -> None:
    with pytest.raises(FetchError, match=r"\(no http\(s\) address\)"):
        receive(url, part, size=None, watch=Watch())


def test_a_body_that_is_cut_short_every_time(server, answers, content, part) -> None:
    server.answers = [answers.sends(content[:5000], declared=8000)]

    with pytest.raises(FetchError, match=r"gave no file \(broken off after 5000 bytes\)"):
        get(server, part)


@pytest.mark.parametrize("manner", ["sends", "without_length"])
def test_stops_receiving_what_is_too_large(server, answers, content, part, monkeypatch, manner) -> None:
    monkeypatch.setattr(transfer, "CHUNK_BYTES", 1000)
    server.answers = [getattr(answers, manner)(content * 3)]
    most = []

    with pytest.raises(FetchError, match="gave more than 8000 bytes"):
        get(server, part, size=8000, watch=Watch(progressed=lambda n_bytes, _: most.append(n_bytes)))

    assert max(most, default=0) <= 8000
    assert not part.exists()


def test_a_file_of_unknown_size_cannot_fill_the_disk(server, answers, content, part, monkeypatch) -> None:
    monkeypatch.setattr(transfer, "MAX_BYTES", 8000)
    server.answers = [answers.without_length(content * 3)]

    with pytest.raises(FetchError, match="gave more than 8000 bytes"):
        get(server, part)


def test_a_body_is_taken_as_it_comes_over_the_line(server, answers, content, part) -> None:
    server.answers = [answers.sends(content, Content_Encoding="gzip")]

    get(server, part)

    assert part.read_bytes() == content


def test_what_was_left_can_be_forgotten(server, answers, content, part) -> None:
    server.answers = [answers.serves(content, tag='"1"')]
    get(server, part)

    discard(part)

    assert not list(part.parent.iterdir())
