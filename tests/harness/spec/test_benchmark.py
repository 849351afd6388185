"""Benchmarks by name: declared ones, and those that every dataset has."""

import pytest

from metabench.errors import UsageError
from metabench.spec.benchmark import STANDARD_EPISODES, Benchmark, find_benchmark, standard_benchmark
from metabench.spec.protocol import Protocol

HARD = Benchmark("glyphs-hard", "glyphs", Protocol(50, 1, 5), n_episodes=100)
DECLARED = {HARD.name: HARD}
DATASETS = ("glyphs", "mini-images")


def test_every_dataset_has_standard_benchmarks() -> None:
    found = find_benchmark("glyphs-5w1s", DECLARED, DATASETS)

    assert found == Benchmark("glyphs-5w1s", "glyphs", Protocol(5, 1, 15), STANDARD_EPISODES, "accuracy", 0)


def test_a_dataset_may_have_hyphens_in_its_name() -> None:
    assert find_benchmark("mini-images-20w5s", {}, DATASETS).dataset == "mini-images"


def test_a_declared_benchmark_is_found_by_its_name() -> None:
    assert find_benchmark("glyphs-hard", DECLARED, DATASETS) is HARD


def test_a_declared_benchmark_goes_before_a_standard_one() -> None:
    own = Benchmark("glyphs-5w1s", "glyphs", Protocol(5, 1, 5))

    assert find_benchmark("glyphs-5w1s", {own.name: own}, DATASETS) is own


def test_the_name_is_written_in_one_way() -> None:
    assert find_benchmark("glyphs-05w01s", {}, DATASETS).name == "glyphs-5w1s"
    assert standard_benchmark("glyphs", Protocol(5, 1, 15)).name == "glyphs-5w1s"


def test_an_unknown_benchmark_comes_with_near_ones() -> None:
    with pytest.raises(UsageError, match=r"Unknown benchmark 'glyphs-hrad'\. Did you mean 'glyphs-hard'"):
        find_benchmark("glyphs-hrad", DECLARED, DATASETS)


@pytest.mark.parametrize("name", ["glyphs", "glyphs-5w1", "5w1s", "-5w1s"])
def test_a_name_that_is_half_written_is_answered_with_how_it_goes(name: str) -> None:
    with pytest.raises(UsageError, match=rf"Unknown benchmark '{name}'.*Available: .*mini-images-5w1s"):
        find_benchmark(name, {}, DATASETS)


def test_an_unknown_dataset_comes_with_near_ones() -> None:
    with pytest.raises(
        UsageError, match=r"Unknown dataset 'glyph'\. Did you mean 'glyphs'\? Available: glyphs, mini"
    ):
        find_benchmark("glyph-5w1s", DECLARED, DATASETS)


def test_an_impossible_protocol_is_refused() -> None:
    with pytest.raises(UsageError, match="n_shot is 0"):
        find_benchmark("glyphs-5w0s", DECLARED, DATASETS)
