"""The standard benchmarks: named after what they are, and possible with the classes that there are."""

import json
from collections import Counter
from pathlib import Path

import pytest

from metabench.data.places import Places
from metabench.data.recipe import SPLITS, Recipe
from metabench.data.store import open_dataset
from metabench.episodes.manifest import check_protocol
from metabench_plugins.benchmarks.standard import metabench_benchmarks, metabench_suites
from metabench_plugins.datasets import (
    cifar_fs,
    cub,
    fashion_mnist,
    fc100,
    glyphs,
    grocery,
    miniimagenet,
    omniglot,
    omniglot_lake,
    tieredimagenet,
)

MODULES = (
    cifar_fs,
    cub,
    fashion_mnist,
    fc100,
    glyphs,
    grocery,
    miniimagenet,
    omniglot,
    omniglot_lake,
    tieredimagenet,
)
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for module in MODULES for recipe in module.metabench_datasets()
}
BENCHMARKS = {one.name: one for one in metabench_benchmarks()}


def suite(name: str) -> tuple[str, ...]:
    return next(one.benchmarks for one in metabench_suites() if one.name == name)


def test_names_say_what_a_benchmark_is() -> None:
    assert len(BENCHMARKS) == len(metabench_benchmarks())
    across = BENCHMARKS["omniglot-to-fashion-mnist-5w5s"]
    assert (across.dataset, across.source) == ("fashion-mnist", "omniglot")
    assert BENCHMARKS["grocery-5w1s"].protocol.n_way == 5


def test_every_dataset_has_a_benchmark() -> None:
    assert {name for one in BENCHMARKS.values() for name in one.datasets} == set(RECIPES)


def test_suites_name_benchmarks_that_there_are() -> None:
    assert all(name in BENCHMARKS for one in metabench_suites() for name in one.benchmarks)
    assert {"grocery-5w1s", "grocery-5w5s"} <= set(suite("image"))


@pytest.mark.parametrize("module", [cifar_fs, cub, fc100, miniimagenet])
def test_no_benchmark_has_more_ways_than_a_split_has_classes(module) -> None:
    split = json.loads(module.SPLIT_FILE.read_text())
    per_name = 5 if module is fc100 else 1
    (recipe,) = module.metabench_datasets()
    ways = [one.protocol.n_way for one in BENCHMARKS.values() if recipe.name in one.datasets]

    assert max(ways) <= per_name * min(len(split[name]) for name in SPLITS)


def test_targets_have_classes_enough() -> None:
    n_classes = Counter(fashion_mnist.SPLIT)["meta_test"]
    targets = [one for one in BENCHMARKS.values() if one.dataset == "fashion-mnist"]

    assert all(one.source and one.protocol.n_way <= n_classes for one in targets)


@pytest.mark.mirror
def test_every_benchmark_of_what_is_there_is_possible(mirror: Path, tmp_path: Path) -> None:
    for name in ("glyphs", "grocery", "omniglot-lake", "omniglot"):
        dataset = open_dataset(RECIPES[name], Places(tmp_path, mirror))
        for one in BENCHMARKS.values():
            for split in SPLITS if one.dataset == name else ():
                pool = dataset.pools[split]
                check_protocol(pool.starts, pool.class_names, one.protocol, f"{one.name} {split}")
