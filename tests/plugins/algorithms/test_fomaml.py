"""First-order MAML: MAML's answers, without second derivatives in its gradient."""

import pytest
import torch

from metabench.api.options import declared_options
from metabench_plugins.algorithms.fomaml import FOMAML
from metabench_plugins.algorithms.maml import MAML


def make_pair(toy, algorithm=MAML, **options):
    """FOMAML and another with the same weights."""
    first, other = toy.learner(FOMAML, inner_lr=0.5), toy.learner(algorithm, inner_lr=0.5, **options)
    other.load_state_dict(first.state_dict())
    return first.double(), other.double()


def test_it_has_mamls_options_and_other_defaults():
    ours, theirs = declared_options(FOMAML), declared_options(MAML)

    assert list(ours) == list(theirs)
    assert {name for name in ours if ours[name] != theirs[name]} == {"second_order"}
    assert ours["second_order"].default is False


def test_its_gradient_is_that_of_maml_in_first_order(toy):
    ours, theirs = make_pair(toy, second_order=False)
    episodes = toy.episodes(dtype=torch.float64)
    ours.loss(episodes).backward()
    theirs.loss(episodes).backward()

    for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad)


def test_its_answers_are_mamls(toy):
    ours, theirs = make_pair(toy)
    episodes = toy.episodes(dtype=torch.float64)

    torch.testing.assert_close(ours.answer(episodes), theirs.answer(episodes))


@pytest.mark.parametrize(
    ("algorithm", "act", "expected"),
    [
        (FOMAML, "loss", False),
        (FOMAML, "answer", False),
        (FOMAML, "predict", False),
        (MAML, "loss", True),
        (MAML, "answer", False),
        (MAML, "predict", False),
    ],
)
def test_a_second_order_graph_is_built_only_where_it_is_used(toy, monkeypatch, algorithm, act, expected):
    built = []
    real = torch.autograd.grad

    def watched(*args, **kwargs):
        gradients = real(*args, **kwargs)
        built.append(any(gradient.requires_grad for gradient in gradients))
        return gradients

    monkeypatch.setattr(torch.autograd, "grad", watched)
    getattr(toy.learner(algorithm, inner_steps=2), act)(toy.episodes())

    assert built == [expected] * 4  # two episodes, two steps


def test_fewer_tensors_are_kept_than_for_the_second_order(toy):
    def kept(learner):
        count = 0

        def pack(tensor):
            nonlocal count
            count += tensor.numel()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            learner.loss(toy.episodes())
        return count

    first, second = (toy.learner(kind, inner_steps=3) for kind in (FOMAML, MAML))
    assert kept(first) < kept(second)
