"""Episodes that are made of others: right labels, right sizes, every label in use."""

from collections import Counter
from dataclasses import replace

import pytest
import torch

from metabench.api import Episodes
from metabench_plugins.algorithms._in_context import InContextLearner, feature_embedding, recombined


class Constant(InContextLearner):
    """Keeps what it is asked."""

    def predict(self, episodes):
        self.asked = episodes
        return torch.zeros(*episodes.targets.shape, episodes.n_way, requires_grad=True)


def numbered(*, n=3, n_way=7, n_shot=2, n_query=3):
    """Each feature says its episode, class and example, as digits."""
    episode, way = torch.arange(n)[:, None, None], torch.arange(n_way)[:, None]
    examples = (100 * episode + 10 * way + torch.arange(n_shot + n_query)).float()
    labels = torch.arange(n_way).repeat_interleave(n_query).repeat(n, 1)
    order = torch.stack([torch.randperm(n_way * n_query) for _ in range(n)])
    return Episodes(
        support=examples[:, :, :n_shot].flatten(1)[..., None],
        support_labels=torch.arange(n_way).repeat_interleave(n_shot).repeat(n, 1),
        query=examples[:, :, n_shot:].flatten(1).gather(1, order)[..., None],
        query_labels=labels.gather(1, order),
        n_way=n_way,
    )


def test_classes_keep_their_examples_and_get_labels_by_chance():
    made = recombined(numbered(), 4, count=50)
    support, query = (part[..., 0].unflatten(1, (4, -1)) for part in (made.support, made.query))
    classes = support[:, :, 0] // 10

    assert (len(made), made.n_way) == (150, 4)
    assert made.support_labels.tolist() == [[0, 0, 1, 1, 2, 2, 3, 3]] * 150
    assert made.targets.tolist() == [[0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]] * 150
    assert bool((support // 10 == classes[..., None]).all())
    assert bool((query // 10 == classes[..., None]).all())
    assert support[..., 1].sub(support[..., 0]).unique().tolist() == [1]
    assert (query.sort(2).values % 10).unique(dim=1).tolist() == [[[2, 3, 4]]] * 150
    # Each episode by itself, no class twice, and each class under each label.
    assert bool((classes // 10 == torch.arange(3).repeat_interleave(50)[:, None]).all())
    assert all(len(set(row)) == 4 for row in classes.tolist())
    assert min(Counter((classes % 10)[:, 0].tolist()).values()) > 10
    # Those of one large episode differ among themselves.
    assert len(set(map(tuple, classes[:50].tolist()))) > 30


def test_in_meta_training_the_support_has_another_order_every_time(toy):
    learner = toy.learner(Constant, n_way=3, step_examples=1000)
    orders = []
    for _ in range(2):
        learner.loss(numbered())
        orders.append(learner.asked.support_labels.tolist())

    assert orders[0] != orders[1]
    assert sum(order == sorted(order) for order in orders[0]) < len(orders[0]) / 2


def test_a_step_is_made_of_about_as_many_examples_as_it_shall_be(toy):
    learner = toy.learner(Constant, n_way=3, step_examples=100)
    learner.loss(numbered(n=2))

    # Of 2 episodes of 7 ways, 3 of 3 ways each, with 15 examples.
    assert learner.asked.support.shape == (6, 6, 1)
    assert learner.asked.query.shape == (6, 9, 1)
    learner = toy.learner(Constant, n_way=3, step_examples=1)
    learner.loss(numbered(n=2))
    assert len(learner.asked) == 2


def test_episodes_of_the_benchmarks_ways_are_taken_as_they_are(toy):
    learner, episodes = toy.learner(Constant, n_way=7), numbered()
    learner.loss(replace(episodes, support_labels=episodes.support_labels.flip(1)))

    assert torch.equal(learner.asked.query, episodes.query)
    pairs = zip(
        learner.asked.support.flatten().tolist(), learner.asked.support_labels.flatten().tolist(), strict=True
    )
    assert {(int(example) // 10 % 10, label) for example, label in pairs} == {
        (way, 6 - way) for way in range(7)
    }


def test_where_ways_vary_every_label_is_learned(toy):
    learner = toy.learner(Constant, n_way=3, most_way=6, step_examples=1)
    ways = Counter()
    for _ in range(60):
        learner.loss(numbered(n=1))
        ways[learner.asked.n_way] += 1

    assert set(ways) == {2, 3, 4, 5, 6}


@pytest.mark.parametrize(
    ("train_n_way", "most_way", "expected"), [(30, 5, 30), (30, 50, 50), (0, 5, 5), (0, 50, 50)]
)
def test_as_many_classes_are_embedded_as_an_episode_can_have(toy, train_n_way, most_way, expected):
    assert toy.learner(Constant, most_way=most_way, train_n_way=train_n_way).train_n_way == expected


def test_small_differences_beside_a_large_mean_are_embedded_far_apart():
    torch.manual_seed(0)
    embedding, features = feature_embedding(8, 6), 100 + 0.01 * torch.randn(2, 50, 8)
    for _ in range(200):
        embedding(features)

    alike = torch.nn.functional.cosine_similarity(*embedding.eval()(features)[:, :, None].unbind(0), dim=-1)
    assert alike.abs().mean() < 0.6


def test_in_testing_an_example_is_embedded_by_itself():
    torch.manual_seed(0)
    embedding, features = feature_embedding(8, 6), torch.randn(2, 50, 8)
    embedding(features)
    embedding.eval()

    alone = torch.stack([torch.stack([embedding(one) for one in episode]) for episode in features])
    torch.testing.assert_close(embedding(features), alone)
