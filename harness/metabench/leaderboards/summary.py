"""Several leaderboards under the same rules, summed up: who does well over all their benchmarks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.scoring.across import AverageRanks, average_ranks

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from metabench.leaderboards.table import Leaderboard, Row, Track


@dataclass(frozen=True, eq=False)
class Summary:
    """Methods over the benchmarks of boards whose rules are the same but for the benchmark.

    Attributes:
        boards: Summed up, at least two.
        methods: By average rank, then by coverage and name; those without a rank last.
        scores: (n_methods, n_boards) mean scores; NaN where a method has none, or is not ranked.
        ranked: Their average ranks and what follows.
    """

    boards: tuple[Leaderboard, ...]
    methods: tuple[str, ...]
    scores: NDArray[np.float64]
    ranked: AverageRanks

    @property
    def higher_is_better(self) -> bool:
        """On all boards; else their scores cannot be put on one scale."""
        return all(_higher_is_better(board) for board in self.boards)


def summarise(boards: Sequence[Leaderboard]) -> list[Summary]:
    """Sum up boards of several benchmarks, for each budget, device class, precision and track.

    A method is an algorithm, whatever backbones suit the benchmarks; with its backbone where a board has
    an algorithm on several.

    Args:
        boards: Of any benchmarks; one alone under its rules has no summary.
    """
    families: dict[str, list[Leaderboard]] = {}
    for board in boards:
        families.setdefault(_rules(board.track), []).append(board)
    return [_summary(family) for family in families.values() if _n_benchmarks(family) > 1]


def _n_benchmarks(boards: Sequence[Leaderboard]) -> int:
    return len({board.track.benchmark.name for board in boards})


def _rules(track: Track) -> str:
    return repr((track.budget, track.pretrained, track.device_class, track.precision))


def _summary(boards: Sequence[Leaderboard]) -> Summary:
    with_backbone = any(_repeats(row.algorithm for row in _ranked(board)) for board in boards)
    means = [{_method(row, with_backbone): _mean(row) for row in _ranked(board)} for board in boards]
    methods = sorted({name for one in means for name in one})
    scores = np.array([[one.get(name, np.nan) for one in means] for name in methods]).reshape(-1, len(boards))
    directions = [_higher_is_better(board) for board in boards]
    ranked = average_ranks(scores, higher_is_better=np.array(directions))
    order = np.lexsort((-ranked.coverage, np.nan_to_num(ranked.ranks, nan=np.inf)))
    return Summary(
        boards=tuple(boards),
        methods=tuple(methods[place] for place in order),
        scores=scores[order],
        ranked=average_ranks(scores[order], higher_is_better=np.array(directions)),
    )


def _higher_is_better(board: Leaderboard) -> bool:
    return board.comparisons is None or board.comparisons.higher_is_better


def _ranked(board: Leaderboard) -> list[Row]:
    return [row for row in board.rows if row.rank is not None and row.score is not None]


def _repeats(names: Iterable[str]) -> bool:
    told = list(names)
    return len(set(told)) < len(told)


def _method(row: Row, with_backbone: bool) -> str:
    return f"{row.algorithm}, {row.backbone}" if with_backbone else row.algorithm


def _mean(row: Row) -> float:
    assert row.score is not None
    return row.score.mean
