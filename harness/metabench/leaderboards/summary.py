"""Several leaderboards under the same rules, summed up: who does well over all their benchmarks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from metabench.leaderboards.labels import labels_across

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from numpy.typing import NDArray

    from metabench.leaderboards.table import Leaderboard, Row, Track
    from metabench.scoring.across import AverageRanks


@dataclass(frozen=True, eq=False)
class Summary:
    """Methods over the benchmarks of boards whose rules are the same but for the benchmark.

    Attributes:
        boards: Summed up, at least two.
        methods: By average rank, then by coverage and name; those without a rank last.
        rows: Where each of them stands on each of the boards, ranked or not; None where it is not there.
        scores: (n_methods, n_boards) mean scores, in which a seed that failed by the method's fault counts
            as guessing; NaN where a method has none, or is not ranked.
        ranked: Their average ranks and what follows.
    """

    boards: tuple[Leaderboard, ...]
    methods: tuple[str, ...]
    rows: tuple[tuple[Row | None, ...], ...]
    scores: NDArray[np.float64]
    ranked: AverageRanks

    @property
    def higher_is_better(self) -> bool:
        """On all boards; else their scores cannot be put on one scale."""
        return all(_higher_is_better(board) for board in self.boards)


def summarise(boards: Sequence[Leaderboard]) -> list[Summary]:
    """Sum up boards of several benchmarks, for each budget, device class, precision and track.

    A method is an algorithm, whatever backbones suit the benchmarks. An algorithm that a board has on
    several is as many methods, each with its backbone; others stay as they are.

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
    # Imported here, as scipy.stats takes longer to load than all else that tables of one benchmark need.
    from metabench.scoring.across import average_ranks  # noqa: PLC0415

    named = _named(boards)
    means = [dict(_means(board, names)) for board, names in zip(boards, named, strict=True)]
    rows = [dict(_ranked_last(board, names)) for board, names in zip(boards, named, strict=True)]
    methods = sorted({name for one in means for name in one})
    scores = np.array([[one.get(name, np.nan) for one in means] for name in methods]).reshape(-1, len(boards))
    directions = np.array([_higher_is_better(board) for board in boards])
    ranked = average_ranks(scores, higher_is_better=directions)
    order = np.lexsort((-ranked.coverage, np.nan_to_num(ranked.ranks, nan=np.inf)))
    return Summary(
        boards=tuple(boards),
        methods=tuple(methods[place] for place in order),
        rows=tuple(tuple(one.get(methods[place]) for one in rows) for place in order),
        scores=scores[order],
        ranked=average_ranks(scores[order], higher_is_better=directions),
    )


def _named(boards: Sequence[Leaderboard]) -> list[list[str]]:
    """The method of each row of each board, by a name that it has on all of them."""
    algorithms = _across(boards, [[row.algorithm for row in board.rows] for board in boards], 0)
    backbones = _across(boards, [[row.backbone for row in board.rows] for board in boards], 1)
    several = {
        name
        for board, names in zip(boards, algorithms, strict=True)
        for name in _repeated(_of_ranked(board, names))
    }
    return [
        [f"{one}, {other}" if one in several else one for one, other in zip(*both, strict=True)]
        for both in zip(algorithms, backbones, strict=True)
    ]


def _across(boards: Sequence[Leaderboard], labels: Sequence[Sequence[str]], part: int) -> list[list[str]]:
    """Names for the algorithms of all rows, part 0, or their backbones, part 1."""
    plugins = [row.plugins[part] for board in boards for row in board.rows]
    names = iter(labels_across(list(zip(chain(*labels), plugins, strict=True))))
    return [[next(names) for _ in board.rows] for board in boards]


def _higher_is_better(board: Leaderboard) -> bool:
    return board.comparisons is None or board.comparisons.higher_is_better


def _of_ranked(board: Leaderboard, names: Sequence[str]) -> Iterator[str]:
    told = zip(names, board.rows, strict=True)
    return (name for name, row in told if row.rank is not None and row.score is not None)


def _ranked_last(board: Leaderboard, names: Sequence[str]) -> list[tuple[str, Row]]:
    return sorted(zip(names, board.rows, strict=True), key=lambda told: told[1].rank is not None)


def _means(board: Leaderboard, names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """Ranked methods that answered something, and the mean by which each is ranked."""
    means = () if board.comparisons is None else board.comparisons.means.tolist()
    ranked = [told for told in zip(names, board.rows, strict=True) if told[1].rank is not None]
    told = zip(ranked, means, strict=True)
    return ((name, mean) for (name, row), mean in told if row.score is not None)


def _repeated(names: Iterable[str]) -> set[str]:
    return {name for name, count in Counter(names).items() if count > 1}
