"""A benchmark: dataset, protocol, number of episodes, metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.errors import unknown_name
from metabench.spec.protocol import Protocol, parse_protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STANDARD_EPISODES = 600


@dataclass(frozen=True)
class Benchmark:
    """What every contestant is measured on.

    Attributes:
        name: The name on the command line.
        dataset: Name of the dataset whose meta_test classes the episodes are drawn from.
        protocol: How an episode is composed.
        n_episodes: meta_test episodes.
        metric: Name of the metric that leaderboards rank by.
        stream_seed: Selects the stream of meta_test episodes; the same for every contestant.
    """

    name: str
    dataset: str
    protocol: Protocol
    n_episodes: int = STANDARD_EPISODES
    metric: str = "accuracy"
    stream_seed: int = 0


def n_way_k_shot(dataset: str, protocol: Protocol) -> Benchmark:
    """The benchmark named `DATASET-{N}w{K}s`."""
    return Benchmark(name=f"{dataset}-{protocol.short_name}", dataset=dataset, protocol=protocol)


def find_benchmark(name: str, declared: Mapping[str, Benchmark], datasets: Collection[str]) -> Benchmark:
    """Resolve a benchmark's name: a declared one, or `DATASET-{N}w{K}s` of any dataset.

    Raises:
        UsageError: No such benchmark; near names are suggested.
    """
    if name in declared:
        return declared[name]
    dataset, _, shape = name.rpartition("-")
    protocol = parse_protocol(shape)
    if protocol is None or not dataset:
        examples = (f"{one}-5w1s" for one in datasets)
        raise unknown_name("benchmark", name, {*declared, *examples})
    if dataset not in datasets:
        raise unknown_name("dataset", dataset, datasets)
    return n_way_k_shot(dataset, protocol)
