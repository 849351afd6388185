"""Every first-party algorithm does what the harness expects of a method, as the conformance kit has it."""

from importlib.metadata import EntryPoint, entry_points

import pytest

from metabench.discovery.contestants import GROUPS
from metabench.testing import check_algorithm

FIRST_PARTY = [
    pytest.param(point, id=point.name)
    for point in sorted(entry_points(group=GROUPS["algorithm"]))
    if point.value.startswith("metabench_plugins.")
]
# Less work where a check would take many seconds; `metabench check NAME` checks with the defaults.
SMALLER = {
    "baseline": {"inner_steps": 20},
    "baseline++": {"inner_steps": 20},
    "fine-tune": {"inner_steps": 2},
    "in-context-transformer": {"state_width": 32, "layers": 2, "step_examples": 128},
    "mann": {"n_hidden": 64, "n_rows": 32, "step_examples": 128},
    "meta-lstm": {"inner_steps": 2},
    "meta-transformer-reptile": {"test_steps": 5},
    "metagan-relation": {"outer_lr": 5e-3},
    "platipus": {"test_samples": 2, "meta_batch": 1},
    "reptile": {"test_steps": 5},
    "reptile-transductive": {"test_steps": 5},
    "snail": {"filters": 16, "embedding_width": 32, "step_examples": 128},
    "support-query-transformer": {"train_n_way": 10},
}


def test_all_that_are_named_here_are_there():
    assert {"maml", "protonet", *SMALLER} <= {one.id for one in FIRST_PARTY}


@pytest.mark.parametrize("algorithm", FIRST_PARTY)
def test_the_kit_finds_no_fault(algorithm: EntryPoint):
    """On images and texts, at 2, 5 and 20 ways, with even and uneven supports."""
    check_algorithm(algorithm.load(), options=SMALLER.get(algorithm.name))
