"""A benchmark: dataset, protocol, number of episodes, metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.errors import UsageError, unknown_name
from metabench.spec.protocol import AnyProtocol, AnyWay, parse_protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STANDARD_EPISODES = 600
# Twice those of the largest benchmark of the literature; what is made of more would not fit into memory.
MOST_EPISODES = 20_000
_TO = "-to-"


@dataclass(frozen=True)
class Benchmark:
    """What every contestant is measured on.

    Attributes:
        name: The name on the command line.
        dataset: Name of the dataset whose meta_test classes the episodes are drawn from.
        protocol: How an episode is composed.
        source: Name of the dataset whose meta_train and meta_val classes are learned from; None for the
            same dataset.
        n_episodes: meta_test episodes.
        metric: Name of the metric that leaderboards rank by.
        stream_seed: Selects the stream of meta_test episodes; the same for every contestant.

    Raises:
        UsageError: It has no episodes, or more than `MOST_EPISODES`.
    """

    name: str
    dataset: str
    protocol: AnyProtocol
    source: str | None = None
    n_episodes: int = STANDARD_EPISODES
    metric: str = "accuracy"
    stream_seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.n_episodes <= MOST_EPISODES:
            raise UsageError(
                f"Benchmark {self.name!r} has {self.n_episodes} episodes; expected 1 … {MOST_EPISODES}. Set "
                "its n_episodes."
            )

    @property
    def datasets(self) -> tuple[str, ...]:
        """Names of all datasets that it needs."""
        return (self.dataset,) if self.source is None else (self.dataset, self.source)


def standard_benchmark(dataset: str, protocol: AnyProtocol, source: str | None = None) -> Benchmark:
    """The benchmark named `DATASET-PROTOCOL`, or `SOURCE-to-DATASET-PROTOCOL` across domains.

    Episodes of any way and any shot are scored above chance, as accuracies at 2 and at 20 ways have no
    common scale.
    """
    domain = dataset if source is None else f"{source}{_TO}{dataset}"
    metric = "chance-normalised" if isinstance(protocol, AnyWay) else "accuracy"
    return Benchmark(
        name=f"{domain}-{protocol.short_name}",
        dataset=dataset,
        protocol=protocol,
        source=source,
        metric=metric,
    )


def find_benchmark(name: str, declared: Mapping[str, Benchmark], datasets: Collection[str]) -> Benchmark:
    """Resolve a benchmark's name: a declared one, or a standard one of any dataset.

    Raises:
        UsageError: No such benchmark; near names are suggested.
    """
    if name in declared:
        return declared[name]
    domain, _, shape = name.rpartition("-")
    protocol = parse_protocol(shape)
    if protocol is None or not domain:
        examples = (f"{one}-5w1s" for one in datasets)
        raise unknown_name("benchmark", name, {*declared, *examples})
    # A dataset's own name may hold "-to-": what is a dataset is taken for one.
    source, to, target = (domain, "", "") if domain in datasets else domain.partition(_TO)
    for dataset in (source, target) if to else (source,):
        if dataset not in datasets:
            raise unknown_name("dataset", dataset, datasets)
    return standard_benchmark(target or source, protocol, source if to else None)
