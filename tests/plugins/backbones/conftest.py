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
    """Build a backbone for examples of some shape, with some options and maybe a pretrained model."""

    def build(kind, shape=(1, 28, 28), *, model=None, n_tokens=0, **options):
        resolved = resolve_options(declared_options(kind), options)
        return kind(BackboneSetting(resolved, shape, n_tokens, model))

    return build


@pytest.fixture
def count(make):
    """Count the weights of a backbone without giving them memory."""

    def build_and_count(kind, shape, **options):
        with torch.device("meta"):
            return sum(weight.numel() for weight in make(kind, shape, **options).parameters())

    return build_and_count
