"""Transductive Reptile: queries are normalised by each other, and nothing else differs."""

from dataclasses import replace

import torch

from metabench.api.options import declared_options
from metabench_plugins.algorithms.reptile import Reptile
from metabench_plugins.algorithms.reptile_transductive import ReptileTransductive

IMAGES = {"shape": (1, 16, 16), "n": 2, "dtype": torch.float64}


def make(toy, algorithm=ReptileTransductive):
    return toy.learner(algorithm, backbone=toy.Conv4, shape=(1, 16, 16)).double()


def test_it_says_what_it_is():
    assert ReptileTransductive.transductive
    assert not Reptile.transductive


def test_it_has_reptiles_options():
    assert declared_options(ReptileTransductive) == declared_options(Reptile)


def test_an_answer_depends_on_the_other_queries(toy):
    learner, episodes = make(toy), toy.episodes(**IMAGES)
    together = learner.answer(episodes)
    others = torch.cat([episodes.query[:, :1], 3 * episodes.query[:, 1:].square()], dim=1)

    assert not torch.allclose(
        learner.answer(replace(episodes, query=others))[:, :1], together[:, :1], rtol=0.01
    )
    backwards = learner.answer(replace(episodes, query=episodes.query.flip(1)))
    torch.testing.assert_close(backwards.flip(1), together)


def test_queries_are_normalised_by_the_statistics_of_the_queries(toy):
    """As BatchNorm does it in training mode, on weights that no support set changes."""
    learner = toy.learner(ReptileTransductive, backbone=toy.Conv4, shape=(1, 16, 16), inner_lr=0.0).double()
    episodes = toy.episodes(**IMAGES)
    with torch.no_grad():
        expected = torch.stack([learner.train()(query) for query in episodes.query])

    torch.testing.assert_close(learner.answer(episodes), expected)


def test_without_batchnorm_it_is_reptile(toy):
    one, other = toy.learner(Reptile), toy.learner(ReptileTransductive)
    other.load_state_dict(one.state_dict())

    torch.testing.assert_close(one.answer(toy.episodes()), other.answer(toy.episodes()))
