"""The suite `all`: the benchmarks of the suites `image` and `text` together."""

from __future__ import annotations

from metabench.hooks import hookimpl
from metabench.spec.suite import Suite
from metabench_plugins.benchmarks import standard, text


@hookimpl
def metabench_suites() -> list[Suite]:
    """`all`, under the budget that its parts have."""
    parts = {one.name: one for one in (*standard.metabench_suites(), *text.metabench_suites())}
    image, texts = parts["image"], parts["text"]
    return [Suite("all", image.benchmarks + texts.benchmarks, (), image.budget)]
