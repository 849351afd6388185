"""What all algorithms have in common that look at each example through the backbone alone."""

from dataclasses import replace
from statistics import median

import numpy as np
import pytest
import torch

from metabench.api.backbone import BackboneSetting
from metabench.api.options import OptionError, declared_options, resolve_options
from metabench.contestant.state import from_bytes, to_bytes
from metabench_plugins.algorithms.baseline_pp import BaselinePlusPlus
from metabench_plugins.algorithms.feat import FEAT
from metabench_plugins.algorithms.in_context_transformer import InContextTransformer
from metabench_plugins.algorithms.mann import MANN
from metabench_plugins.algorithms.matching import MatchingNet
from metabench_plugins.algorithms.metagan_relation import MetaGANRelation
from metabench_plugins.algorithms.protonet import ProtoNet
from metabench_plugins.algorithms.relation import RelationNet
from metabench_plugins.algorithms.simpleshot import SimpleShot
from metabench_plugins.algorithms.snail import SNAIL
from metabench_plugins.algorithms.support_query_transformer import SupportQueryTransformer
from metabench_plugins.backbones.bag import Bag

SMALL = {
    MANN: {"embedding_width": 16, "n_hidden": 32, "n_rows": 12, "row_width": 8, "n_heads": 2},
    SNAIL: {"embedding_width": 16, "filters": 8},
    InContextTransformer: {"state_width": 16, "heads": 2},
}
# Algorithm and options.
EVERY = [
    (ProtoNet, {"distance": "squared-euclidean"}),
    (ProtoNet, {"distance": "euclidean"}),
    (ProtoNet, {"distance": "cosine"}),
    (MatchingNet, {}),
    (MatchingNet, {"fce": True}),
    (RelationNet, {}),
    (MetaGANRelation, {}),
    (SimpleShot, {}),
    (FEAT, {}),
    (SNAIL, {}),
    (MANN, {}),
    (InContextTransformer, {}),
    (SupportQueryTransformer, {}),
]
# Those that know labels only as marks of what belongs together.
METRIC = [one for one in EVERY if one[0] not in {SNAIL, MANN, InContextTransformer}]
# Those that read the support in no order.
SETS = [one for one in EVERY if one[0] not in {SNAIL, MANN} and not one[1].get("fce")]


def of(algorithms):
    names = [" ".join([kind.__name__, *map(str, options.values())]) for kind, options in algorithms]
    return pytest.mark.parametrize(("algorithm", "options"), algorithms, ids=names)


@pytest.mark.parametrize(
    ("algorithm", "name"),
    [(ProtoNet, "cosine_scale"), (MatchingNet, "scale"), (BaselinePlusPlus, "scale")],
)
def test_a_factor_under_which_nothing_is_learned_is_refused(algorithm, name):
    with pytest.raises(OptionError, match=name):
        resolve_options(declared_options(algorithm), {name: 0.0})


@pytest.fixture
def build(toy):
    """Small ones, whose layers that begin at 0 do something, as after training."""

    def make(algorithm, options, **setting):
        learner = toy.learner(algorithm, **SMALL.get(algorithm, {}), **options, **setting)
        for weight in learner.parameters():
            if not weight.any():
                torch.nn.init.normal_(weight, std=0.3)
        return learner

    return make


def permuted(episodes, order):
    """The same support in another order."""
    return replace(
        episodes, support=episodes.support[:, order], support_labels=episodes.support_labels[:, order]
    )


def uneven(episodes):
    """Three ways with one, two and three examples of a support of six, mixed."""
    return replace(episodes, support_labels=torch.tensor([2, 0, 1, 2, 1, 2]).repeat(len(episodes), 1))


@of(EVERY)
def test_an_answer_depends_on_its_own_query_and_support_alone(toy, build, algorithm, options):
    images = {"shape": (1, 16, 16), "n": 2}
    learner = build(algorithm, options, backbone=toy.Conv4, shape=images["shape"])
    learner.loss(learner.seen(toy.episodes(**images, seed=5)))  # so that BatchNorm has statistics
    episodes = toy.episodes(**images)
    together = learner.answer(episodes)

    def check(answer, expected):
        torch.testing.assert_close(answer, expected, rtol=1e-3, atol=1e-4)

    check(learner.answer(replace(episodes, query=episodes.query.flip(1))).flip(1), together)
    louder = torch.cat([episodes.query[:, :1], 100 * episodes.query[:, 1:]], dim=1)
    check(learner.answer(replace(episodes, query=louder))[:, :1], together[:, :1])
    for k in range(together.shape[1]):
        check(learner.answer(replace(episodes, query=episodes.query[:, k : k + 1])), together[:, k : k + 1])
    for k, one in enumerate(episodes):
        check(learner.answer(one), together[k : k + 1])


@of(EVERY)
def test_it_answers_any_ways_and_shots(toy, build, algorithm, options):
    learner = build(algorithm, options, n_way=5, n_shot=1)
    few = toy.episodes(n_way=2, n_shot=4)
    many = toy.episodes(n_way=5, n_shot=3, n_query=1)

    for episodes, shape in ((few, (2, 4, 2)), (many, (2, 5, 5)), (uneven(toy.episodes()), (2, 6, 3))):
        answer = learner.answer(episodes)
        assert answer.shape == shape
        assert bool(answer.isfinite().all())


@of(EVERY)
def test_every_weight_gets_a_finite_gradient(toy, build, algorithm, options):
    learner = build(algorithm, options)
    for episodes in (toy.episodes(), uneven(toy.episodes())):
        learner.zero_grad()
        learner.loss(learner.seen(episodes)).backward()
        for name, weight in learner.named_parameters():
            assert weight.grad is not None, name
            assert bool(weight.grad.isfinite().all()), name


@of(EVERY)
def test_predicting_changes_nothing(toy, build, algorithm, options):
    learner, episodes = build(algorithm, options), toy.episodes()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    first, second = learner.answer(episodes), learner.answer(episodes)

    assert torch.equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(part.training for part in learner.modules())


@of(EVERY)
def test_its_state_is_all_that_it_knows(toy, build, algorithm, options):
    learner, other = build(algorithm, options), build(algorithm, options)
    from_bytes(other, np.array(to_bytes(learner)))

    assert torch.equal(other.answer(toy.episodes()), learner.answer(toy.episodes()))


@of(SETS)
def test_the_order_of_the_support_changes_nothing(toy, build, algorithm, options):
    learner, episodes = build(algorithm, options), uneven(toy.episodes())

    torch.testing.assert_close(
        learner.answer(permuted(episodes, [3, 0, 5, 1, 4, 2])), learner.answer(episodes), rtol=1e-4, atol=1e-5
    )


@of(METRIC)
def test_the_names_of_classes_change_nothing(toy, build, algorithm, options):
    learner, episodes = build(algorithm, options), toy.episodes()
    renamed = replace(episodes, support_labels=(episodes.support_labels + 1) % 3)

    torch.testing.assert_close(
        learner.answer(renamed).roll(-1, dims=2), learner.answer(episodes), rtol=1e-4, atol=1e-5
    )


@of(EVERY)
def test_texts_are_answered_and_learned_from(toy, build, algorithm, options):
    class Texts(Bag):
        """Words of a small language."""

        def __init__(self, setting):
            super().__init__(BackboneSetting(setting.options, (6,), n_tokens=30))

    learner = build(algorithm, options, backbone=Texts)
    rng = torch.Generator().manual_seed(0)
    support, query = (
        {"ids": ids, "mask": ids != 0}
        for ids in (
            torch.randint(1, 30, (2, n, 6), generator=rng).index_fill(2, torch.tensor(5), 0) for n in (6, 6)
        )
    )
    episodes = replace(toy.episodes(), support=support, query=query)
    learner.loss(learner.seen(episodes)).backward()

    assert bool((learner.backbone.embedding.weight.grad != 0).any())
    assert learner.answer(episodes).shape == (2, 6, 3)
    same = replace(episodes, query=support)
    with torch.no_grad():
        embedded = learner.eval().seen(same)
        torch.testing.assert_close(learner.predict(embedded), learner.answer(same))


@of(EVERY)
def test_it_learns_what_matters(toy, build, algorithm, options):
    """Classes differ in two of twelve numbers; the others are noise. Chance is a third.

    Metric methods begin with comparing, and have to learn what not to look at: for them the noise is loud.
    The others have to learn what to do with labels at all.
    """
    scale = torch.tensor([1.0] * 2 + [3.0 if (algorithm, options) in METRIC else 0.3] * 10)

    def episodes(seed, n=16):
        told = toy.episodes(n=n, shape=(2,), n_query=4, seed=seed, noise=0.1)
        rng = torch.Generator().manual_seed(seed + 10_000)

        def with_noise(x):
            return torch.cat([x, torch.randn(*x.shape[:2], 10, generator=rng)], dim=2) * scale

        return replace(told, support=with_noise(told.support), query=with_noise(told.query))

    def accuracy(learner):
        test = episodes(999, n=50)
        return (learner.answer(test).argmax(-1) == test.targets).float().mean().item()

    def before_and_after(seed):
        torch.manual_seed(seed)
        learner = build(algorithm, options, shape=(12,))
        before = accuracy(learner)
        optimiser = torch.optim.Adam(learner.parameters(), lr=0.01)
        for step in range(60):
            optimiser.zero_grad()
            learner.loss(learner.seen(episodes(step))).backward()
            optimiser.step()
        return before, accuracy(learner)

    # Two players may get stuck for once: most runs must learn.
    before, after = zip(*map(before_and_after, range(3)), strict=True)
    assert max(before) < 0.5
    assert median(after) > 0.7
