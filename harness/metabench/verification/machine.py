"""What there is on this machine to verify with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from metabench.errors import DataError
from metabench.results.arena import Arena, make_ready, told_benchmark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from metabench.data.places import Places
    from metabench.data.recipe import Recipe
    from metabench.referee.events import Listener
    from metabench.results.record import BenchmarkPart
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric


@dataclass(frozen=True)
class Machine:
    """What there is on this machine to verify with.

    Attributes:
        metrics: By name.
        pooled: Pooled metrics by name.
        datasets: Recipes by name.
        places: Where data lies.
        plugins: Folder of one-file plugins.
        device: What takes the place of a GPU: one, or "cpu" where there is none.
        n_threads: Threads beside it.
        listener: Is told how runs go.
    """

    metrics: Mapping[str, Metric]
    pooled: Mapping[str, PooledMetric]
    datasets: Mapping[str, Recipe]
    places: Places
    plugins: Path
    device: str
    n_threads: int
    listener: Listener
    _arenas: dict[str, Arena] = field(default_factory=dict)

    def arena(self, part: BenchmarkPart) -> Arena:
        """The benchmark that a record tells of, made ready once.

        Raises:
            DataError: Its dataset is not here, or is another one.
            UsageError: There can be no such benchmark.
        """
        key = part.model_dump_json()
        if key not in self._arenas:
            benchmark = told_benchmark(part)
            for name in benchmark.datasets:
                if name not in self.datasets:
                    raise DataError(f"Dataset {name!r} is unknown here. Install the extension that has it.")
            self._arenas[key] = make_ready(benchmark, self.datasets, self.places)
        return self._arenas[key]
