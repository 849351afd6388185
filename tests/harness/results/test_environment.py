"""Device classes: what they say of threads."""

import pytest

from metabench.results.environment import threads_of


@pytest.mark.parametrize(
    ("device_class", "n_threads"),
    [("cpu-2", 2), ("cpu-16", 16), ("cuda", None), ("cpu-", None), ("cpu-²", None)],
)
def test_threads_are_told_by_classes_of_processors(device_class: str, n_threads: int | None) -> None:
    assert threads_of(device_class) == n_threads
