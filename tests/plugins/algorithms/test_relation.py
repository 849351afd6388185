"""Relation Networks: the scores of pairs against a plain network, on one pixel and on maps."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms.relation import RelationNet

IMAGES = {"shape": (2, 80, 34), "n": 2}


@pytest.fixture
def vectors(toy):
    """On features that are no map."""
    return with_statistics(toy.learner(RelationNet, relation_channels=6))


@pytest.fixture
def maps(toy):
    """On maps of 5×2 pixels, of which the first block leaves 2×1."""
    return with_statistics(
        toy.learner(RelationNet, backbone=toy.Conv4, shape=IMAGES["shape"], relation_channels=6)
    )


def with_statistics(learner):
    """In double, with statistics of BatchNorm that are not those it is made with."""
    for name, buffer in learner.relation.named_buffers():
        # Means below 0: above the ReLUs are then not all dead, which would make all scores one.
        if name.endswith("running_mean"):
            buffer.copy_(-0.3 * torch.rand_like(buffer))
        if name.endswith("running_var"):
            buffer.copy_(torch.rand_like(buffer) + 0.5)
    return learner.double()


def normalised(x, layer):
    shape = (-1, *[1] * (x.dim() - 1))
    mean, variance = layer.running_mean.view(shape), layer.running_var.view(shape)
    return (x - mean) / (variance + 1e-5).sqrt() * layer.weight.view(shape) + layer.bias.view(shape)


def score_by_hand(learner, class_map, query_map):
    """Equation 1 for one pair of maps, block by block: convolution, BatchNorm, ReLU, pooling."""
    first, second, _, hidden, _, last = learner.relation
    state = torch.cat([class_map, query_map])
    for block in (first, second):
        padding = block[0].weight.shape[-1] // 2
        state = functional.conv2d(state[None], block[0].weight, padding=padding)[0]
        state = normalised(state, block[1]).clamp_min(0)
        if min(state.shape[1:]) > 1:
            state = functional.max_pool2d(state[None], 2)[0]
    units = (hidden.weight @ state.flatten() + hidden.bias).clamp_min(0)
    return (last.weight @ units + last.bias).item()


def check_scores(learner, episodes, map_shape):
    learner.eval()
    with torch.no_grad():
        support, query = (
            torch.stack([learner.backbone(x).view(-1, *map_shape) for x in inputs])
            for inputs in (episodes.support, episodes.query)
        )
    answer = learner.answer(episodes)
    assert len(answer.unique()) == answer.numel()
    for e, labels in enumerate(episodes.support_labels):
        for w in range(episodes.n_way):
            members = [one for one, label in zip(support[e], labels, strict=True) if label == w]
            for q in range(query.shape[1]):
                expected = score_by_hand(learner, sum(members) / len(members), query[e, q])
                assert answer[e, q, w].item() == pytest.approx(expected, rel=1e-9, abs=1e-12)


def test_pairs_of_vectors_are_scored_as_pairs_of_pixels(toy, vectors):
    check_scores(vectors, toy.episodes(dtype=torch.float64), (4, 1, 1))


def test_pairs_of_maps_are_scored_by_convolutions(toy, maps):
    assert maps.backbone.map_shape == (8, 5, 2)
    check_scores(maps, toy.episodes(**IMAGES, dtype=torch.float64), (8, 5, 2))


@pytest.mark.parametrize("kind", ["vectors", "maps"])
def test_at_first_it_looks_at_differences_alone(kind, toy, request):
    """Maps of any class and query that are the same score alike: as nothing would, beside nothing."""
    relation = request.getfixturevalue(kind).eval().relation
    n_maps = relation[0][0].in_channels // 2
    sides = (5, 2) if kind == "maps" else (1, 1)
    same = torch.randn(3, n_maps, *sides, dtype=torch.float64)
    nothing = torch.zeros(1, 2 * n_maps, *sides, dtype=torch.float64)

    torch.testing.assert_close(relation(torch.cat([same, same], 1)), relation(nothing).expand(3, -1))


def test_the_loss_is_the_squared_error_of_scores_in_0_to_1(toy, vectors):
    episodes = toy.episodes(dtype=torch.float64)
    vectors.eval()
    scores = 1 / (1 + (-vectors.answer(episodes)).exp())
    errors = [
        (score - (1.0 if label == way else 0.0)) ** 2
        for answers, labels in zip(scores.tolist(), episodes.targets.tolist(), strict=True)
        for row, label in zip(answers, labels, strict=True)
        for way, score in enumerate(row)
    ]

    loss = vectors.loss(vectors.seen(episodes)).item()
    assert loss == pytest.approx(sum(errors) / len(errors), rel=1e-9)


@pytest.mark.parametrize(
    ("shape", "kernels", "n_units"),
    [
        ((1, 28, 28), (1, 1), 6),
        ((1, 47, 34), (3, 1), 6),
        ((1, 84, 84), (3, 3), 6),
        ((1, 130, 66), (3, 3), 12),
        ((1, 16, 70), (3, 3), 24),
    ],
    ids=str,
)
def test_maps_of_any_size_are_pooled_while_they_can_be(toy, shape, kernels, n_units):
    learner = toy.learner(RelationNet, backbone=toy.Conv4, shape=shape, relation_channels=6)
    first, second, _, hidden, *_ = learner.relation

    assert (first[0].kernel_size[0], second[0].kernel_size[0], hidden.in_features) == (*kernels, n_units)
    assert learner.answer(toy.episodes(shape=shape, n=1, n_shot=1)).shape == (1, 6, 3)


def test_trained_with_few_ways_it_answers_many(toy):
    learner, episodes = toy.learner(RelationNet, n_way=3), toy.episodes(n_way=20, n_shot=1)
    answer = learner.answer(episodes)
    first = replace(
        episodes, support=episodes.support[:, :2], support_labels=episodes.support_labels[:, :2], n_way=2
    )

    assert answer.shape == (2, 40, 20)
    torch.testing.assert_close(learner.answer(first), answer[:, :, :2])
