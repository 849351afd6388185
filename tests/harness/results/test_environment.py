"""Device classes: what they say of threads, and of GPUs."""

from types import SimpleNamespace

import pytest

from metabench.results.environment import device_class, threads_of


@pytest.mark.parametrize(
    ("device_class", "n_threads"),
    [("cpu-2", 2), ("cpu-16", 16), ("cuda", None), ("cpu-", None), ("cpu-²", None)],
)
def test_threads_are_told_by_classes_of_processors(device_class: str, n_threads: int | None) -> None:
    assert threads_of(device_class) == n_threads


H200 = SimpleNamespace(name="NVIDIA H200")


@pytest.mark.parametrize(
    ("device", "gpus", "expected"),
    [
        ("cpu", H200, "cpu-4"),
        ("cuda:1", H200, "NVIDIA H200"),
        ("cuda:0", None, "cuda"),
        ("cuda:0", SimpleNamespace(name=""), "cuda"),
    ],
)
def test_a_class_is_the_kind_of_gpu_or_the_number_of_threads(
    device: str, gpus: object, expected: str
) -> None:
    plan = SimpleNamespace(device=device, n_threads=4)

    assert device_class(plan, gpus) == expected
