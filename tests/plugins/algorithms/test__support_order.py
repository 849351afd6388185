"""A shuffled support: the same examples with their labels, each episode in an order of its own."""

import torch

from metabench.api import Episodes
from metabench_plugins.algorithms._support_order import shuffled_support


def test_examples_keep_their_labels_and_episodes_have_orders_of_their_own():
    torch.manual_seed(0)
    labels = torch.arange(4).repeat_interleave(3).repeat(5, 1)
    support = labels[..., None] * 100.0 + torch.arange(12)[:, None]
    episodes = Episodes(support, labels, torch.zeros(5, 2, 1), None, 4)
    mixed = shuffled_support(episodes)

    assert torch.equal((mixed.support[..., 0] // 100).long(), mixed.support_labels)
    assert torch.equal(mixed.support.sort(1).values, episodes.support)
    assert len({tuple(row) for row in mixed.support[..., 0].tolist()}) == 5
    assert mixed.query is episodes.query


def test_the_order_follows_from_the_seed():
    episodes = Episodes(torch.rand(2, 6, 3), torch.arange(6).repeat(2, 1), torch.zeros(2, 1, 3), None, 6)
    orders = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        orders.append(shuffled_support(episodes).support_labels)

    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])
