"""A benchmark made ready: its dataset opened, its meta_test episodes drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.data.store import open_dataset
from metabench.episodes.sampler import SAMPLER_VERSION, EpisodeIndices, check_possible, draw, manifest_hash
from metabench.episodes.stream import named_stream
from metabench.results.record import BenchmarkPart

if TYPE_CHECKING:
    from metabench.data.dataset import Dataset
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe
    from metabench.spec.benchmark import Benchmark


@dataclass(frozen=True)
class Arena:
    """What every run of a benchmark shares.

    Attributes:
        dataset: Opened.
        episodes: The meta_test episodes, in canonical order.
        part: The benchmark as records tell it.
    """

    dataset: Dataset
    episodes: EpisodeIndices
    part: BenchmarkPart


def make_ready(benchmark: Benchmark, recipe: Recipe, places: Places) -> Arena:
    """Open the dataset and draw the meta_test episodes.

    Raises:
        DataError: The dataset cannot be opened.
        UsageError: Its meta_test classes cannot fill the benchmark's episodes.
    """
    dataset = open_dataset(recipe, places)
    pool, protocol = dataset.pools["meta_test"], benchmark.protocol
    check_possible(pool.sizes, pool.class_names, protocol, f"{benchmark.dataset} meta_test")
    stream = named_stream(dataset.content_hash, dataset.split_hash, "meta_test", benchmark.stream_seed)
    episodes = draw(pool.starts, protocol, stream, first=0, count=benchmark.n_episodes)
    part = BenchmarkPart(
        name=benchmark.name,
        dataset=benchmark.dataset,
        content_hash=dataset.content_hash,
        split_hash=dataset.split_hash,
        sampler_version=SAMPLER_VERSION,
        stream_seed=benchmark.stream_seed,
        n_way=protocol.n_way,
        n_shot=protocol.n_shot,
        n_query=protocol.n_query,
        n_episodes=benchmark.n_episodes,
        metric=benchmark.metric,
        manifest_hash=manifest_hash(episodes),
    )
    return Arena(dataset, episodes, part)
