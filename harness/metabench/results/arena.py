"""A benchmark made ready: its dataset opened, its meta_test episodes drawn."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.reshape import reshaped
from metabench.data.store import open_dataset
from metabench.data.tokens import tokenized
from metabench.episodes.manifest import check_protocol, draw_all
from metabench.episodes.sampler import SAMPLER_VERSION, EpisodeIndices, manifest_hash
from metabench.episodes.stream import named_stream
from metabench.errors import UsageError
from metabench.results.record import BenchmarkPart, DatasetPart
from metabench.spec.benchmark import Benchmark
from metabench.spec.protocol import told_protocol
from metabench.spec.tokenizer import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from metabench.data.dataset import Dataset
    from metabench.data.places import Places
    from metabench.data.recipe import Recipe
    from metabench.spec.plan import RunPlan


# A text backbone sees a benchmark through its tokenizer, maybe that of its model; for images there is none.
ArenaKey = tuple[str, Tokenizer | None, Path | None]


@dataclass(frozen=True)
class Arena:
    """What every run of a benchmark shares.

    Attributes:
        dataset: Opened; across domains, meta_train and meta_val of one and meta_test of another.
        episodes: The meta_test episodes in canonical order, in batches.
        part: The benchmark as records tell it.
    """

    dataset: Dataset
    episodes: tuple[EpisodeIndices, ...]
    part: BenchmarkPart

    @property
    def labels(self) -> tuple[NDArray[np.int64], ...]:
        """The query labels of each episode, (n_query_total,)."""
        return tuple(labels for batch in self.episodes for labels in batch.query_labels)

    @property
    def classes(self) -> tuple[tuple[str, ...], ...]:
        """The names of each episode's classes, (n_way,), in the order of its labels."""
        names = self.dataset.pools["meta_test"].class_names
        return tuple(
            tuple(names[one] for one in classes) for batch in self.episodes for classes in batch.classes
        )

    def tokenized(self, tokenizer: Tokenizer, places: Places, model: Path | None = None) -> Arena:
        """The same benchmark with token ids in place of texts.

        Raises:
            DataError: They cannot be kept.
            UsageError: The tokenizer is not there.
        """
        return replace(self, dataset=tokenized(self.dataset, tokenizer, places, model))


def arena_key(plan: RunPlan) -> ArenaKey:
    """Which arena a run takes place in."""
    return plan.benchmark.name, plan.tokenizer, plan.backbone.plugin.model if plan.tokenizer else None


def make_ready(benchmark: Benchmark, recipes: Mapping[str, Recipe], places: Places) -> Arena:
    """Open the datasets and draw the meta_test episodes.

    Args:
        benchmark: What is to be measured.
        recipes: Of all datasets, by name.
        places: Where data lies.

    Raises:
        DataError: A dataset cannot be opened.
        UsageError: Its meta_test classes cannot fill the benchmark's episodes.
    """
    dataset = open_dataset(recipes[benchmark.dataset], places)
    source = None if benchmark.source is None else open_dataset(recipes[benchmark.source], places)
    pool = dataset.pools["meta_test"]
    check_protocol(pool.starts, pool.class_names, benchmark.protocol, f"{benchmark.dataset} meta_test")
    stream = named_stream(dataset.content_hash, dataset.split_hash, "meta_test", benchmark.stream_seed)
    episodes = draw_all(pool.starts, benchmark.protocol, stream, benchmark.n_episodes)
    part = BenchmarkPart(
        name=benchmark.name,
        dataset=_dataset_part(dataset),
        source=None if source is None else _dataset_part(source),
        protocol=benchmark.protocol.short_name,
        parameters=asdict(benchmark.protocol),
        sampler_version=SAMPLER_VERSION,
        stream_seed=benchmark.stream_seed,
        n_episodes=benchmark.n_episodes,
        metric=benchmark.metric,
        manifest_hash=manifest_hash(episodes),
    )
    if source is not None:
        dataset = _across(source, dataset, recipes[benchmark.dataset], places)
    return Arena(dataset, episodes, part)


def told_benchmark(part: BenchmarkPart) -> Benchmark:
    """The benchmark that a record tells of.

    Raises:
        UsageError: There is no such protocol.
    """
    return Benchmark(
        name=part.name,
        dataset=part.dataset.name,
        protocol=told_protocol(part.protocol, part.parameters),
        source=None if part.source is None else part.source.name,
        n_episodes=part.n_episodes,
        metric=part.metric,
        stream_seed=part.stream_seed,
    )


def _across(source: Dataset, target: Dataset, recipe: Recipe, places: Places) -> Dataset:
    """Learn from one dataset, be tested on another, whose images take the first one's shape.

    Raises:
        UsageError: One has images, the other texts.
    """
    if source.modality != target.modality:
        raise UsageError(
            f"Dataset {target.name!r} has {target.modality}s, {source.name!r} has {source.modality}s; "
            "expected the same of both. Choose another benchmark."
        )
    if source.example_shape != target.example_shape:
        target = open_dataset(reshaped(recipe, source.example_shape), places)
    return replace(source, pools={**source.pools, "meta_test": target.pools["meta_test"]})


def _dataset_part(dataset: Dataset) -> DatasetPart:
    return DatasetPart(name=dataset.name, content_hash=dataset.content_hash, split_hash=dataset.split_hash)
