"""The standard benchmarks over the first-party datasets of texts, and the suite `text`.

Any other benchmark has its name as well, e.g. `clinc150-fold2-10w1s`: these are the ones that lists show.
"""

from __future__ import annotations

from metabench.hooks import hookimpl
from metabench.spec.benchmark import Benchmark, standard_benchmark
from metabench.spec.protocol import Protocol
from metabench.spec.suite import Suite

_FIVE_WAYS = ((5, 1), (5, 5))
_TEN_WAYS = ((10, 1), (10, 5))
# Five intents out of many are soon told apart: with twenty, methods still differ.
_TWENTY_WAYS = ((20, 1), (20, 5))

_SHAPES = {
    "20newsgroups": _FIVE_WAYS,
    "banking77": (*_FIVE_WAYS, *_TEN_WAYS, *_TWENTY_WAYS),
    "clinc150": (*_FIVE_WAYS, *_TEN_WAYS, *_TWENTY_WAYS),
    "fewrel": (*_FIVE_WAYS, *_TEN_WAYS),
    "huffpost": (*_FIVE_WAYS, *_TEN_WAYS),
    "hwu64": (*_FIVE_WAYS, *_TEN_WAYS),
    "liu54": (*_FIVE_WAYS, *_TEN_WAYS),
    "phrases": (*_FIVE_WAYS, *_TEN_WAYS),
}


@hookimpl
def metabench_benchmarks() -> list[Benchmark]:
    """5 ways of every dataset, more where it has the classes, and 5 ways across domains; 1 and 5 shots."""
    within = [
        standard_benchmark(dataset, Protocol(*shape, n_query=15))
        for dataset, shapes in _SHAPES.items()
        for shape in shapes
    ]
    across = [
        standard_benchmark("banking77", Protocol(*shape, n_query=15), "clinc150") for shape in _FIVE_WAYS
    ]
    return within + across


@hookimpl
def metabench_suites() -> list[Suite]:
    """`text`: the embedded dataset and two of one file each."""
    benchmarks = tuple(
        f"{dataset}-{shape}"
        for dataset in ("phrases", "clinc150", "banking77")
        for shape in ("5w1s", "10w5s")
    )
    return [Suite("text", benchmarks, (), "standard")]
