"""Backbones built as the harness builds them, on one thread."""

from collections.abc import Iterator

import pytest
import torch

from metabench.api.backbone import BackboneSetting
from metabench.api.options import declared_options, resolve_options


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def make():
    """Build a backbone for examples of some shape with some options."""

    def build(kind, shape=(1, 28, 28), **options):
        return kind(BackboneSetting(resolve_options(declared_options(kind), options), shape))

    return build


@pytest.fixture
def count(make):
    """Count the weights of a backbone without giving them memory."""

    def build_and_count(kind, shape, **options):
        with torch.device("meta"):
            return sum(weight.numel() for weight in make(kind, shape, **options).parameters())

    return build_and_count
