"""Leaderboards as files: a table in every format that is installed, and plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.leaderboards.plots import plot_board, plot_profile, plot_ranks
from metabench.leaderboards.summary import summarise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metabench.leaderboards.renderer import Renderer
    from metabench.leaderboards.table import Leaderboard

_TABLES = "leaderboard"


def leaderboard_files(
    boards: Sequence[Leaderboard], renderers: Sequence[Renderer], names: Sequence[str]
) -> Iterator[tuple[str, bytes]]:
    """Make all files: path, with "/", and content. The same boards give the same bytes.

    Args:
        boards: To show.
        renderers: Those with a suffix of files give a table of all boards.
        names: Of the boards' files, without suffix.
    """
    for renderer in renderers:
        if renderer.suffix:
            yield f"{_TABLES}{renderer.suffix}", f"{renderer.render(boards)}\n".encode()
    for board, name in zip(boards, names, strict=True):
        yield from _plots(name, plot_board(board))
    for number, summary in enumerate(summarise(boards), start=1):
        yield from _plots(f"average-ranks-{number}", plot_ranks(summary))
        if summary.higher_is_better:
            yield from _plots(f"profile-{number}", plot_profile(summary))


def _plots(name: str, contents: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for suffix, content in contents.items():
        yield f"plots/{name}{suffix}", content
