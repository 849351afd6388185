"""The hooks of the trusted extensions (entry-point group `metabench`).

Each hook returns a list of records; nothing is registered by being imported. Contestant code
(algorithms, backbones) has no hook: it is found in package metadata and never loaded here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from metabench.data.recipe import Recipe
    from metabench.leaderboards.renderer import Renderer
    from metabench.referee.events import Listener
    from metabench.results.executor import Executor
    from metabench.scoring.metric import Metric
    from metabench.scoring.pooled import PooledMetric
    from metabench.spec.benchmark import Benchmark
    from metabench.spec.suite import Suite

hookspec = pluggy.HookspecMarker("metabench")
hookimpl = pluggy.HookimplMarker("metabench")


@hookspec
def metabench_datasets() -> list[Recipe]:  # type: ignore[empty-body]
    """Declare datasets: where their files are and how they become classes of examples."""


@hookspec
def metabench_benchmarks() -> list[Benchmark]:  # type: ignore[empty-body]
    """Declare benchmarks beyond the `DATASET-{N}w{K}s` that every dataset has."""


@hookspec
def metabench_suites() -> list[Suite]:  # type: ignore[empty-body]
    """Declare named groups of benchmarks."""


@hookspec
def metabench_metrics() -> list[Metric]:  # type: ignore[empty-body]
    """Declare per-episode scores."""


@hookspec
def metabench_pooled_metrics() -> list[PooledMetric]:  # type: ignore[empty-body]
    """Declare scores that only all queries of a run together have; no benchmark ranks by them."""


@hookspec
def metabench_executors() -> list[Executor]:  # type: ignore[empty-body]
    """Declare ways to place the runs of a sweep on machines."""


@hookspec
def metabench_renderers() -> list[Renderer]:  # type: ignore[empty-body]
    """Declare output formats of leaderboards."""


@hookspec
def metabench_listeners() -> list[Listener]:  # type: ignore[empty-body]
    """Declare listeners to run events: progress displays, experiment trackers."""


@hookspec
def metabench_commands() -> list[click.Command]:  # type: ignore[empty-body]
    """Declare further commands of `metabench`."""
