"""How `metabench data pull` shows its progress: bars on a terminal, plain lines elsewhere, on stderr."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Self

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from metabench.cli.output import plain
from metabench.data.pull import PullListener

if TYPE_CHECKING:
    from types import TracebackType

_LINE_EVERY = 0.25
_LINE_EVERY_BYTES = 100_000_000


class Downloads(PullListener):
    """A listener for as long as a `with` block lasts."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""

    def finished(self, path: str, address: str) -> None:  # noqa: D102
        self.said(f"{path}: got from {address}")


class PlainDownloads(Downloads):
    """A line for each quarter of a file, or each 100 MB where nobody knows how large it is."""

    def __init__(self) -> None:
        self._next_line: dict[str, float] = {}

    def progressed(self, path: str, n_bytes: int, total: int | None) -> None:  # noqa: D102
        step = _LINE_EVERY_BYTES if not total else total * _LINE_EVERY
        if n_bytes >= self._next_line.setdefault(path, step):
            self._next_line[path] = n_bytes // step * step + step
            share = f" of {total / 1e6:.1f} MB" if total else " MB"
            self.said(f"{path}: {n_bytes / 1e6:.1f}{share}")

    def said(self, line: str) -> None:  # noqa: D102
        click.echo(plain(line), err=True)


class LiveDownloads(Downloads):
    """A bar for each file that is under way."""

    def __init__(self) -> None:
        self._display = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bars: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._display.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.stop()

    def progressed(self, path: str, n_bytes: int, total: int | None) -> None:  # noqa: D102
        if path not in self._bars:
            self._bars[path] = self._display.add_task(plain(path), total=total)
        self._display.update(self._bars[path], completed=n_bytes, total=total)

    def finished(self, path: str, address: str) -> None:  # noqa: D102
        if path in self._bars:
            self._display.remove_task(self._bars.pop(path))
        super().finished(path, address)

    def said(self, line: str) -> None:  # noqa: D102
        self._display.console.print(plain(line), markup=False, highlight=False)


def show_downloads() -> Downloads:
    """The display that fits where stderr goes."""
    return LiveDownloads() if sys.stderr.isatty() else PlainDownloads()
