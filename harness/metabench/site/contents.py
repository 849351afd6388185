"""All that a site shows, read and scored once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from metabench.leaderboards.build import build
from metabench.leaderboards.runs import score_run
from metabench.leaderboards.text import name
from metabench.site.addresses import board_name, result_names

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from metabench.leaderboards.renderer import Renderer
    from metabench.leaderboards.runs import Run
    from metabench.leaderboards.table import Leaderboard, Row
    from metabench.results.folder import Stored
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric


@dataclass(frozen=True)
class Place:
    """Where a result stands.

    Attributes:
        board: The leaderboard.
        board_name: Of its files.
        row: Of its method.
    """

    board: Leaderboard
    board_name: str
    row: Row


@dataclass(frozen=True)
class Contents:
    """What a site shows.

    Attributes:
        boards: In the order of their tracks.
        runs: Every result, scored, by identity.
        folders: Where they lie, by identity.
        problems: What could not be read, a line each.
        metrics: By name, pooled ones among them.
        renderers: Formats in which leaderboards are offered as files.
    """

    boards: tuple[Leaderboard, ...]
    runs: Mapping[str, Run]
    folders: Mapping[str, Path]
    problems: tuple[str, ...]
    metrics: Mapping[str, Metric | PooledMetric]
    renderers: tuple[Renderer, ...]

    @cached_property
    def result_names(self) -> Mapping[str, str]:
        """Of the results' files, by identity."""
        return result_names(self.runs)

    @cached_property
    def board_names(self) -> tuple[str, ...]:
        """Of the leaderboards' files, in their order."""
        return tuple(board_name(board.track) for board in self.boards)

    @cached_property
    def places(self) -> Mapping[str, Place]:
        """Where results stand, by identity; an earlier run of the same seed stands nowhere."""
        return {
            identity: Place(board, board_name, row)
            for board, board_name in zip(self.boards, self.board_names, strict=True)
            for row in board.rows
            for identity in row.identities
        }

    def runs_of(self, row: Row) -> tuple[Run, ...]:
        """The results that a row is made of, by seed."""
        return tuple(self.runs[identity] for identity in row.identities)

    def is_percent(self, metric: str) -> bool:
        """Scores by a metric are shown as 100 times themselves."""
        return metric in self.metrics and self.metrics[metric].as_percent

    def title_of(self, metric: str) -> str:
        """Of a metric, for people; one that is not installed goes by its name."""
        return name(self.metrics[metric].title if metric in self.metrics else metric)


def read_contents(
    stored: Sequence[Stored],
    problems: Sequence[str],
    renderers: Sequence[Renderer],
    *,
    metrics: Mapping[str, Metric],
    pooled: Mapping[str, PooledMetric],
) -> Contents:
    """Score results and compare them.

    Args:
        stored: Results.
        problems: What could not be read besides, a line each.
        renderers: Those without a suffix make no files.
        metrics: By name.
        pooled: Pooled metrics by name.
    """
    runs = {one.record.identity: score_run(one, metrics.get(one.record.benchmark.metric)) for one in stored}
    return Contents(
        boards=tuple(build(stored, metrics, scored=runs)),
        runs=runs,
        folders={one.record.identity: one.folder for one in stored},
        problems=tuple(problems),
        metrics={**metrics, **pooled},
        renderers=tuple(one for one in renderers if one.suffix),
    )
