"""The standard benchmarks and suites over the first-party datasets.

Any other benchmark has its name as well, e.g. `cub-10w1s`: these are the ones that lists show.
"""

from __future__ import annotations

from metabench.hooks import hookimpl
from metabench.spec.benchmark import Benchmark, standard_benchmark
from metabench.spec.protocol import Protocol
from metabench.spec.suite import Suite

_FIVE_WAYS = ((5, 1), (5, 5))
_TWENTY_WAYS = ((20, 1), (20, 5))

_CHARACTERS = ("glyphs", "omniglot", "omniglot-lake")
# Of photographs, some have fewer than twenty classes in meta_val, and papers report five ways.
_PHOTOGRAPHS = ("cifar-fs", "cub", "fc100", "grocery", "miniimagenet", "tieredimagenet")
# Learned from the first, tested on the second.
_ACROSS = (("miniimagenet", "cub"), ("omniglot", "fashion-mnist"))


@hookimpl
def metabench_benchmarks() -> list[Benchmark]:
    """1 and 5 shots: 5 ways of every dataset and across domains, 20 ways of characters."""
    return [
        *_benchmarks(_CHARACTERS, (*_FIVE_WAYS, *_TWENTY_WAYS)),
        *_benchmarks(_PHOTOGRAPHS, _FIVE_WAYS),
        *(one for source, target in _ACROSS for one in _benchmarks((target,), _FIVE_WAYS, source)),
    ]


def _benchmarks(
    datasets: tuple[str, ...], shapes: tuple[tuple[int, int], ...], source: str | None = None
) -> list[Benchmark]:
    """Benchmarks of each dataset in each shape (n_way, n_shot)."""
    return [
        standard_benchmark(dataset, Protocol(*shape, n_query=15), source)
        for dataset in datasets
        for shape in shapes
    ]


@hookimpl
def metabench_suites() -> list[Suite]:
    """`smoke`, which runs within about a minute, and `image`."""
    image = ("glyphs-5w1s", "glyphs-5w5s", "grocery-5w1s", "grocery-5w5s", "omniglot-5w1s", "omniglot-20w1s")
    return [
        Suite("smoke", ("glyphs-5w1s",), ("centroid", "protonet", "fomaml", "maml"), "smoke"),
        Suite("image", image, (), "standard"),
    ]
