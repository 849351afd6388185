"""How the progress of downloads is shown."""

from __future__ import annotations

import pytest

from metabench.cli.downloads import LiveDownloads, PlainDownloads, show_downloads


def test_lines_tell_of_each_quarter(capsys) -> None:
    with PlainDownloads() as downloads:
        for n_bytes in range(1_000_000, 10_000_001, 1_000_000):
            downloads.progressed("a.zip", n_bytes, 10_000_000)
        downloads.finished("a.zip", "https://example.org/a.zip")

    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "a.zip: 3.0 of 10.0 MB",
        "a.zip: 5.0 of 10.0 MB",
        "a.zip: 8.0 of 10.0 MB",
        "a.zip: 10.0 of 10.0 MB",
        "a.zip: got from https://example.org/a.zip",
    ]


def test_lines_tell_of_each_100_mb_where_the_size_is_not_known(capsys) -> None:
    downloads = PlainDownloads()
    for n_bytes in range(30_000_000, 250_000_000, 30_000_000):
        downloads.progressed("a.zip", n_bytes, None)

    assert capsys.readouterr().err.splitlines() == ["a.zip: 120.0 MB", "a.zip: 210.0 MB"]


def test_bars_come_and_go(capsys) -> None:
    with LiveDownloads() as downloads:
        downloads.progressed("[bold]a.zip", 1000, None)
        downloads.progressed("[bold]a.zip", 2000, 3000)
        downloads.finished("[bold]a.zip", "https://example.org/a.zip")
        downloads.finished("copied.zip", "/a/copied.zip")

    out, err = capsys.readouterr()
    assert out == ""
    assert "[bold]a.zip: got from https://example.org/a.zip" in err
    assert "copied.zip: got from /a/copied.zip" in err


@pytest.mark.parametrize(("is_terminal", "kind"), [(True, LiveDownloads), (False, PlainDownloads)])
def test_bars_are_for_terminals(monkeypatch, is_terminal, kind) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: is_terminal)

    assert type(show_downloads()) is kind


def test_a_terminal_does_not_obey_what_stands_in_names(capsys) -> None:
    PlainDownloads().said("a\x1b[2J\nb")

    assert capsys.readouterr().err == "a\\x1b[2J\\nb\n"
