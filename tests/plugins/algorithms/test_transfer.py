"""What the transfer baselines have in common, from an untrained backbone on."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from metabench.api.backbone import BackboneSetting
from metabench.contestant.state import from_bytes, to_bytes
from metabench_plugins.algorithms.baseline import Baseline
from metabench_plugins.algorithms.baseline_pp import BaselinePlusPlus
from metabench_plugins.algorithms.fine_tune import FineTune
from metabench_plugins.algorithms.linear_probe import LinearProbe
from metabench_plugins.algorithms.meta_baseline import MetaBaseline
from metabench_plugins.algorithms.r2d2 import R2D2
from metabench_plugins.backbones.bag import Bag

EVERY = (LinearProbe, FineTune, Baseline, BaselinePlusPlus, R2D2, MetaBaseline)
IMAGES = {"shape": (1, 16, 16), "n": 2}

every = pytest.mark.parametrize("algorithm", EVERY)


def close(answer, expected):
    torch.testing.assert_close(answer, expected, rtol=1e-3, atol=1e-4)


def permuted(episodes, order):
    """The same support in another order."""
    return replace(
        episodes, support=episodes.support[:, order], support_labels=episodes.support_labels[:, order]
    )


def uneven(episodes):
    """Three ways with one, two and three examples of a support of six, mixed."""
    return replace(episodes, support_labels=torch.tensor([2, 0, 1, 2, 1, 2]).repeat(len(episodes), 1))


@every
def test_an_answer_depends_on_its_own_query_and_support_alone(toy, algorithm):
    learner = toy.learner(algorithm, backbone=toy.Conv4, shape=IMAGES["shape"])
    learner.backbone(torch.rand(9, *IMAGES["shape"]))  # so that BatchNorm has statistics
    episodes = toy.episodes(**IMAGES)
    together = learner.answer(episodes)

    close(learner.answer(replace(episodes, query=episodes.query.flip(1))).flip(1), together)
    louder = torch.cat([episodes.query[:, :1], 100 * episodes.query[:, 1:]], dim=1)
    close(learner.answer(replace(episodes, query=louder))[:, :1], together[:, :1])
    for k in range(together.shape[1]):
        close(learner.answer(replace(episodes, query=episodes.query[:, k : k + 1])), together[:, k : k + 1])
    for k, one in enumerate(episodes):
        close(learner.answer(one), together[k : k + 1])


@every
def test_it_answers_any_ways_and_shots(toy, algorithm):
    learner = toy.learner(algorithm, n_way=5, n_shot=1)
    few = toy.episodes(n_way=2, n_shot=4)
    many = toy.episodes(n_way=20, n_shot=3, n_query=1)

    for episodes, shape in ((few, (2, 4, 2)), (many, (2, 20, 20)), (uneven(toy.episodes()), (2, 6, 3))):
        answer = learner.answer(episodes)
        assert answer.shape == shape
        assert bool(answer.isfinite().all())


@every
def test_the_order_of_the_support_and_the_names_of_classes_change_nothing(toy, algorithm):
    learner, episodes = toy.learner(algorithm), uneven(toy.episodes())
    renamed = replace(episodes, support_labels=(episodes.support_labels + 1) % 3)

    close(learner.answer(permuted(episodes, [3, 0, 5, 1, 4, 2])), learner.answer(episodes))
    close(learner.answer(renamed).roll(-1, dims=2), learner.answer(episodes))


@every
def test_predicting_changes_nothing(toy, algorithm):
    learner, episodes = toy.learner(algorithm), toy.episodes()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    rng = torch.get_rng_state()
    first, second = learner.answer(episodes), learner.answer(episodes)

    assert torch.equal(first, second)
    assert not first.requires_grad
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(part.training for part in learner.modules())
    assert torch.equal(torch.get_rng_state(), rng)


@every
def test_its_state_is_all_that_it_knows(toy, algorithm):
    learner, other = toy.learner(algorithm), toy.learner(algorithm)
    from_bytes(other, np.array(to_bytes(learner)))

    assert torch.equal(other.answer(toy.episodes()), learner.answer(toy.episodes()))


@every
def test_texts_are_answered(toy, algorithm):
    class Texts(Bag):
        """Words of a small language."""

        def __init__(self, setting):
            super().__init__(BackboneSetting(setting.options, (6,), n_tokens=30))

    learner = toy.learner(algorithm, backbone=Texts)
    rng = torch.Generator().manual_seed(0)
    ids = torch.randint(1, 30, (2, 3, 6), generator=rng)
    ids[..., 4:] = 0
    texts = {"ids": ids, "mask": ids != 0}
    episodes = replace(toy.episodes(n_shot=1), support=texts, query=texts)

    # Texts of the support are known again.
    assert torch.equal(learner.answer(episodes).argmax(-1), episodes.support_labels)


@every
def test_in_bf16_it_answers_as_in_fp32(toy, algorithm):
    """But for rounding, so that the audit finds no differences where there are none."""
    learner, episodes = toy.learner(algorithm), toy.episodes()
    exact = learner.answer(episodes)
    with torch.autocast("cpu", torch.bfloat16):
        rounded = learner.answer(episodes)

    assert (rounded - exact).abs().max() < 0.1 * exact.std()


@every
def test_near_classes_are_told_apart(toy, algorithm):
    # Features of the toy are smaller than those that the step is meant for.
    learner = toy.learner(algorithm, **({"inner_lr": 0.1} if algorithm is Baseline else {}))

    assert toy.accuracy(learner, n=20, noise=0.1) > 0.9


@every
def test_the_loss_is_the_cross_entropy_of_what_it_would_answer(toy, algorithm):
    learner, episodes = toy.learner(algorithm), toy.episodes()
    logits = learner.answer(episodes).double()
    chances = logits.log_softmax(2).gather(2, episodes.targets[..., None])

    assert learner.loss(learner.seen(episodes)).item() == pytest.approx(-chances.mean().item(), rel=1e-5)
