"""Benchmarks by name: declared ones, and those that every dataset has."""

import pytest

from metabench.errors import UsageError
from metabench.spec.benchmark import STANDARD_EPISODES, Benchmark, find_benchmark, standard_benchmark
from metabench.spec.protocol import AnyWay, Protocol, Vary

HARD = Benchmark("glyphs-hard", "glyphs", Protocol(50, 1, 5), n_episodes=100)
DECLARED = {HARD.name: HARD}
DATASETS = ("glyphs", "mini-images")


def test_every_dataset_has_standard_benchmarks() -> None:
    found = find_benchmark("glyphs-5w1s", DECLARED, DATASETS)

    assert found == Benchmark("glyphs-5w1s", "glyphs", Protocol(5, 1, 15))
    assert (found.n_episodes, found.metric, found.datasets) == (STANDARD_EPISODES, "accuracy", ("glyphs",))


@pytest.mark.parametrize(
    ("name", "protocol", "metric"),
    [("glyphs-vary", Vary(), "accuracy"), ("glyphs-anyway", AnyWay(), "chance-normalised")],
)
def test_ways_and_shots_may_vary(name: str, protocol: Vary | AnyWay, metric: str) -> None:
    assert find_benchmark(name, DECLARED, DATASETS) == Benchmark(name, "glyphs", protocol, metric=metric)


def test_one_dataset_may_be_learned_from_and_another_tested_on() -> None:
    found = find_benchmark("mini-images-to-glyphs-5w5s", {}, DATASETS)

    assert (found.source, found.dataset, found.protocol) == ("mini-images", "glyphs", Protocol(5, 5, 15))
    assert found.datasets == ("glyphs", "mini-images")


@pytest.mark.parametrize("name", ["glyfs-to-glyphs-5w1s", "glyphs-to-glyfs-5w1s"])
def test_both_datasets_across_domains_must_be_known(name: str) -> None:
    with pytest.raises(UsageError, match=r"^Unknown dataset 'glyfs'\. Did you mean 'glyphs'\?"):
        find_benchmark(name, {}, DATASETS)


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


@pytest.mark.parametrize("n_episodes", [0, -1, 20_001])
def test_a_number_of_episodes_that_no_record_can_have_is_refused(n_episodes: int) -> None:
    with pytest.raises(UsageError, match=rf"^Benchmark 'b' has {n_episodes} episodes; expected 1 … 20000\."):
        Benchmark("b", "glyphs", Protocol(5, 1, 15), n_episodes=n_episodes)
