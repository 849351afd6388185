"""Prototypical Networks: the numbers, and that queries are answered one by one."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from metabench.api.options import OptionError, declared_options, resolve_options
from metabench_plugins.algorithms.protonet import (
    ProtoNet,
    class_means,
    cosine_similarities,
    squared_distances,
)

IMAGES = {"shape": (1, 16, 16), "n": 3}


def means_by_hand(features, labels, n_way):
    means = np.zeros((len(features), n_way, features.shape[-1]))
    for episode, (rows, names) in enumerate(zip(features, labels, strict=True)):
        for way in range(n_way):
            members = [row for row, name in zip(rows, names, strict=True) if name == way]
            means[episode, way] = sum(members) / len(members)
    return means


def distances_by_hand(queries, prototypes):
    n_episodes, n_queries, n_ways = len(queries), queries.shape[1], prototypes.shape[1]
    distances = np.zeros((n_episodes, n_queries, n_ways))
    for e, q, w in np.ndindex(distances.shape):
        distances[e, q, w] = sum((a - b) ** 2 for a, b in zip(queries[e, q], prototypes[e, w], strict=True))
    return distances


def loss_by_hand(learner, episodes):
    """The mean over queries of −log softmax(−distance)."""
    with torch.no_grad():
        support, query = (learner.backbone(x).double().numpy() for x in (episodes.support, episodes.query))
    means = means_by_hand(support, episodes.support_labels.numpy(), episodes.n_way)
    logits = -distances_by_hand(query, means)
    losses = [
        math.log(sum(math.exp(logit) for logit in logits[e, q])) - logits[e, q, label]
        for (e, q), label in np.ndenumerate(episodes.targets.numpy())
    ]
    return sum(losses) / len(losses)


@pytest.mark.parametrize("order", ["class by class", "mixed", "unequal"])
def test_class_means_are_those_of_a_plain_loop(order):
    features = torch.randn(3, 8, 5, dtype=torch.float64)
    labels = torch.tensor(
        {
            "class by class": [[0, 0, 1, 1, 2, 2, 3, 3]] * 3,
            "mixed": [[3, 1, 0, 2, 2, 0, 3, 1], [0, 1, 2, 3, 0, 1, 2, 3], [3, 3, 0, 0, 1, 2, 1, 2]],
            "unequal": [[0, 0, 0, 0, 0, 1, 2, 3], [3, 2, 1, 1, 1, 1, 1, 0], [2, 2, 3, 3, 3, 0, 0, 1]],
        }[order]
    )

    np.testing.assert_allclose(
        class_means(features, labels, 4).numpy(),
        means_by_hand(features.numpy(), labels.numpy(), 4),
        rtol=1e-12,
    )


def test_squared_distances_are_those_of_a_plain_loop():
    queries, prototypes = (torch.randn(2, n, 6, dtype=torch.float64) for n in (7, 3))

    np.testing.assert_allclose(
        squared_distances(queries, prototypes).numpy(),
        distances_by_hand(queries.numpy(), prototypes.numpy()),
        rtol=1e-12,
    )


def test_distances_to_near_prototypes_keep_their_digits():
    """Where the norms are a million times the distances."""
    prototypes = torch.tensor([[[1000.0, 1000.0], [1000.0, 1000.5]]])

    assert squared_distances(prototypes[:, :1], prototypes).tolist() == [[[0.0, 0.25]]]


def test_the_loss_is_that_of_the_equations(toy):
    learner, episodes = toy.learner(ProtoNet), toy.episodes()

    assert learner.loss(learner.seen(episodes)).item() == pytest.approx(
        loss_by_hand(learner, episodes), rel=1e-5
    )


def test_the_gradient_is_that_of_finite_differences(toy):
    learner, episodes = toy.learner(ProtoNet).double(), toy.episodes(dtype=torch.float64)
    learner.loss(learner.seen(episodes)).backward()
    weight = learner.backbone.layer.weight

    for place in ((0, 0), (3, 4)):
        sides = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                weight[place] += step
                sides.append(learner.loss(learner.seen(episodes)).item())
                weight[place] -= step
        assert weight.grad[place].item() == pytest.approx((sides[0] - sides[1]) / 2e-6, rel=1e-6, abs=1e-9)


def test_plain_distances_are_the_roots_of_the_squared_ones(toy):
    squared = toy.learner(ProtoNet)
    plain = toy.learner(ProtoNet, distance="euclidean")
    plain.load_state_dict(squared.state_dict())
    episodes = toy.episodes()

    torch.testing.assert_close(plain.answer(episodes), -(-squared.answer(episodes)).sqrt())


def test_a_query_that_is_its_prototype_gives_finite_gradients(toy):
    """The slope of a square root at 0 is infinite."""
    learner, episodes = toy.learner(ProtoNet, distance="euclidean"), toy.episodes(n_shot=1, n_query=1)
    same = replace(episodes, query=episodes.support, query_labels=episodes.support_labels)
    learner.loss(learner.seen(same)).backward()

    assert bool((learner.answer(same).diagonal(dim1=1, dim2=2) > -1e-5).all())
    assert all(bool(weight.grad.isfinite().all()) for weight in learner.parameters())


@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_cosines_are_those_of_a_plain_loop(toy, scale):
    learner, episodes = toy.learner(ProtoNet, distance="cosine", cosine_scale=scale), toy.episodes()
    with torch.no_grad():
        support, query = (learner.backbone(x).double().numpy() for x in (episodes.support, episodes.query))
    means = means_by_hand(support, episodes.support_labels.numpy(), episodes.n_way)

    answer = learner.answer(episodes).numpy()
    for e, q, w in np.ndindex(answer.shape):
        a, b = query[e, q], means[e, w]
        expected = scale * sum(a * b) / math.sqrt(sum(a * a) * sum(b * b))
        assert answer[e, q, w] == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_the_cosine_with_nothing_is_zero():
    zero = torch.zeros(1, 1, 3, requires_grad=True)
    cosines = cosine_similarities(zero, torch.eye(3)[None])
    cosines.sum().backward()

    assert cosines.tolist() == [[[0.0, 0.0, 0.0]]]
    assert bool(zero.grad.isfinite().all())


def test_another_distance_is_refused():
    with pytest.raises(OptionError, match=r"'distance' is 'manhattan'; expected .*euclidean, cosine"):
        resolve_options(declared_options(ProtoNet), {"distance": "manhattan"})


@pytest.mark.parametrize("n_way", [2, 3])
def test_logits_have_a_column_per_way(toy, n_way):
    assert toy.learner(ProtoNet).answer(toy.episodes(n_way=n_way)).shape == (2, 2 * n_way, n_way)


def test_predicting_changes_nothing(toy):
    learner = toy.learner(ProtoNet, backbone=toy.Conv4, shape=IMAGES["shape"])
    episodes = toy.episodes(**IMAGES)
    before = {name: value.clone() for name, value in learner.state_dict().items()}

    first, second = learner.answer(episodes), learner.answer(episodes)

    assert torch.equal(first, second)
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())
    assert all(weight.grad is None for weight in learner.parameters())
    assert all(part.training for part in learner.modules())


def test_an_answer_depends_on_its_own_query_and_support_alone(toy):
    learner = toy.learner(ProtoNet, backbone=toy.Conv4, shape=IMAGES["shape"])
    learner.loss(learner.seen(toy.episodes(**IMAGES, seed=5)))  # so that BatchNorm has statistics
    episodes = toy.episodes(**IMAGES)
    together = learner.answer(episodes)

    backwards = learner.answer(replace(episodes, query=episodes.query.flip(1)))
    torch.testing.assert_close(backwards.flip(1), together, rtol=1e-4, atol=1e-5)
    for k in range(together.shape[1]):
        alone = learner.answer(replace(episodes, query=episodes.query[:, k : k + 1]))
        torch.testing.assert_close(alone, together[:, k : k + 1], rtol=1e-4, atol=1e-5)
    for k, one in enumerate(episodes):
        torch.testing.assert_close(learner.answer(one), together[k : k + 1], rtol=1e-4, atol=1e-5)


def test_it_learns_to_look_at_what_matters(toy):
    """Classes differ in two of twelve numbers; the others are louder noise."""
    scale = torch.tensor([1.0] * 2 + [4.0] * 10)

    def episodes(seed, n=8):
        told = toy.episodes(n=n, shape=(2,), n_shot=2, n_query=5, seed=seed, noise=0.1)
        rng = torch.Generator().manual_seed(seed + 10_000)

        def with_noise(x):
            return torch.cat([x, torch.randn(*x.shape[:2], 10, generator=rng)], dim=2) * scale

        return replace(told, support=with_noise(told.support), query=with_noise(told.query))

    def accuracy():
        test = episodes(999, n=50)
        return (learner.answer(test).argmax(-1) == test.targets).float().mean().item()

    learner = toy.learner(ProtoNet, shape=(12,))
    before = accuracy()
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.05)
    for step in range(60):
        optimiser.zero_grad()
        learner.loss(learner.seen(episodes(step))).backward()
        optimiser.step()

    assert before < 0.6
    assert accuracy() > 0.8
