"""A rehearsal counts what a method computes, by whatever loop, and ends by itself."""

import textwrap

import numpy as np
import pytest
import torch

from metabench.api.session import LabelledPool
from metabench.contestant import rehearsal
from metabench.contestant.build import build_learner
from metabench.contestant.rehearsal import N_STEPS, count, rehearse
from metabench.wire.reports import MOST_OPERATORS, PluginAddress

SHAPE = (1, 28, 28)
SCHEMA = "(Tensor x) -> Tensor"


@pytest.fixture
def pool():
    """Six classes of ten images."""
    images = torch.randint(256, (60, *SHAPE), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return LabelledPool(images, np.arange(0, 61, 10, dtype=np.int64))


def plugin(target, **options):
    return PluginAddress(target=f"metabench_plugins.{target}", search_path=None, options=options, model=None)


@pytest.fixture
def rehearsed(assign, pool, monkeypatch):
    """Rehearse a first-party algorithm on conv4, however slow this machine is."""
    monkeypatch.setattr(rehearsal, "LONGEST_S", 600.0)

    def run(target, **changes):
        options = changes.pop("options", {})
        assignment = assign(
            algorithm=plugin(f"algorithms.{target}", **options),
            backbone=plugin("backbones.conv4:Conv4"),
            example_shape=SHAPE,
            **changes,
        )
        return rehearse(build_learner(assignment), pool, assignment)

    return run


# One image through conv4: 3×3 convolutions to 32 channels on maps of 28, 14, 7 and 3 pixels each way.
FIRST = 2 * 28**2 * 32 * 9 * 1
REST = 2 * (14**2 + 7**2 + 3**2) * 32 * 9 * 32
# A class mean is a product of labels with 32 features.
MEANS = 2 * 32


def test_protonet_on_conv4_counts_as_by_hand(rehearsed):
    counted = rehearsed("protonet:ProtoNet", options={"train_n_way": 4})
    images, support = 4 * (1 + 5), 4 * 1
    forward = images * (FIRST + REST) + support * 4 * MEANS
    # Weights and inputs of each layer, but no inputs of the first, and no labels.
    backward = images * (FIRST + 2 * REST) + support * 4 * MEANS

    assert counted.steps == N_STEPS
    assert counted.operations == N_STEPS * (forward + backward)
    assert counted.uncounted == ()
    assert counted.parameters == 9 * 32 + 3 * 9 * 32 * 32 + 4 * 2 * 32


def test_second_derivatives_of_maml_are_counted(rehearsed):
    first, second = (
        rehearsed("maml:MAML", options={"second_order": flag, "train_n_way": 3}) for flag in (False, True)
    )

    assert first.uncounted == second.uncounted == ()
    assert first.steps == second.steps == N_STEPS
    assert 1.2 * first.operations < second.operations < 3 * first.operations


def test_precision_does_not_change_the_count(rehearsed):
    fp32, bf16 = (rehearsed("protonet:ProtoNet", precision=one) for one in ("fp32", "bf16"))

    assert fp32.operations == bf16.operations


OWN = """
    optimiser = torch.optim.SGD(self.parameters(), lr=0.1)
    while session.progress < 1:
        loss = self.loss(self.seen(session.episodes(2)))
        session.validate()
        loss.backward()
        optimiser.step()
"""
ENDLESS = """
    optimiser = torch.optim.SGD(self.parameters(), lr=0.1)
    while True:
        self.loss(self.seen(session.episodes(1))).backward()
        optimiser.step()
"""
WITHOUT_STEPS = """
    while True:
        self.seen(session.episodes(1))
"""
# The loop, its steps, and the seconds that it may take: few where it ends by nothing else.
LOOPS = {
    "its own loop, with an optimiser": (OWN, N_STEPS, 600.0),
    "an endless loop": (ENDLESS, N_STEPS, 600.0),
    "no steps at all": (WITHOUT_STEPS, 0, 0.5),
    "nothing": ("    session.commit()", 0, 600.0),
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_rehearsal_ends_whatever_the_loop(assign, write_plugin, examples, monkeypatch, name):
    body, n_steps, longest_s = LOOPS[name]
    monkeypatch.setattr(rehearsal, "LONGEST_S", longest_s)
    text = f"class Own(Nearest):\n    def meta_train(self, session):\n{textwrap.indent(body, '    ')}\n"
    assignment = assign(algorithm=write_plugin(text, name="Own", module="own_loop"))
    pool = LabelledPool(torch.from_numpy(examples), np.arange(0, 25, 4, dtype=np.int64))

    counted = rehearse(build_learner(assignment), pool, assignment)

    assert counted.steps == n_steps
    assert (counted.operations > 0) == (name != "nothing")


def test_no_more_names_of_operators_are_told_than_fit_into_a_message(assign):
    assignment = assign()
    strangers = [
        torch.library.custom_op(
            f"stranger::number{number}", torch.Tensor.clone, mutates_args=(), schema=SCHEMA
        )
        for number in range(2 * MOST_OPERATORS)
    ]

    counted = count(build_learner(assignment), lambda: [one(torch.ones(1)) for one in strangers], assignment)

    assert len(counted.uncounted) == MOST_OPERATORS
    assert counted.uncounted[0] == "stranger.number0"
    assert (counted.operations, counted.steps) == (0, 0)
