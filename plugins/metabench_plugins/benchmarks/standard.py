"""The standard benchmarks and suites over the first-party datasets."""

from __future__ import annotations

from metabench.hooks import hookimpl
from metabench.spec.benchmark import Benchmark, standard_benchmark
from metabench.spec.protocol import Protocol
from metabench.spec.suite import Suite

_SHAPES = ((5, 1), (5, 5), (20, 1), (20, 5))
_DATASETS = ("glyphs", "omniglot")


@hookimpl
def metabench_benchmarks() -> list[Benchmark]:
    """5 and 20 ways, 1 and 5 shots, of every dataset."""
    return [
        standard_benchmark(dataset, Protocol(*shape, n_query=15))
        for dataset in _DATASETS
        for shape in _SHAPES
    ]


@hookimpl
def metabench_suites() -> list[Suite]:
    """`smoke`, which runs within about a minute, and `image`."""
    return [
        Suite("smoke", ("glyphs-5w1s",), ("centroid", "protonet", "fomaml", "maml"), "smoke"),
        Suite("image", ("glyphs-5w1s", "glyphs-5w5s", "omniglot-5w1s", "omniglot-20w1s"), (), "standard"),
    ]
