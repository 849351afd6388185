"""The text benchmarks: named after what they are, and possible with the classes that there are."""

from collections import Counter

import pytest

from metabench.spec.benchmark import find_benchmark
from metabench_plugins.benchmarks.text import metabench_benchmarks, metabench_suites
from metabench_plugins.datasets import (
    banking77,
    clinc150,
    fewrel,
    huffpost,
    hwu64,
    liu54,
    newsgroups,
    phrases,
)
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets._utterances import read_folds

RECIPES = {
    recipe.name: recipe
    for module in (banking77, clinc150, fewrel, huffpost, hwu64, liu54, newsgroups, phrases)
    for recipe in module.metabench_datasets()
}
DECLARED = {one.name: one for one in metabench_benchmarks()}
# Classes of meta_val, where there are fewest as a rule, and of meta_test.
SPLITS = {
    "20newsgroups": {"meta_val": 5, "meta_test": 7},
    "fewrel": Counter(read_split(fewrel.SPLIT_FILE).values()),
    "huffpost": {"meta_val": 5, "meta_test": 16},
    "phrases": {"meta_val": 16, "meta_test": 24},
    **{
        name: Counter(read_folds(module.FOLDS_FILE)["1"].values())
        for name, module in (
            ("banking77", banking77),
            ("clinc150", clinc150),
            ("hwu64", hwu64),
            ("liu54", liu54),
        )
    },
}


@pytest.mark.parametrize("name", DECLARED)
def test_a_benchmark_is_what_its_name_says(name):
    assert find_benchmark(name, {}, RECIPES) == DECLARED[name]


@pytest.mark.parametrize("name", DECLARED)
def test_a_benchmark_has_the_classes_that_it_needs(name):
    one = DECLARED[name]

    assert one.protocol.n_way <= SPLITS[one.dataset]["meta_test"]


def test_every_dataset_of_texts_has_benchmarks():
    assert {one.dataset for one in DECLARED.values()} == {name for name in RECIPES if "-fold" not in name}


def test_the_suite_runs_benchmarks_that_are_declared():
    (suite,) = metabench_suites()

    assert suite.name == "text"
    assert set(suite.benchmarks) <= set(DECLARED)
    assert suite.benchmarks[0].startswith("phrases-")
