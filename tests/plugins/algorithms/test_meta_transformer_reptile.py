"""Meta-Transformer by Reptile: Reptile with a choice of its own."""

import torch
from torch.func import functional_call, grad
from torch.nn import functional

from metabench.api import statistics_from_first
from metabench.api.options import declared_options
from metabench_plugins.algorithms.meta_transformer import MetaTransformer
from metabench_plugins.algorithms.meta_transformer_reptile import MetaTransformerReptile
from metabench_plugins.algorithms.reptile import Reptile
from metabench_plugins.backbones.cct import CCT


def test_it_stands_on_the_backbones_that_meta_transformer_does():
    assert MetaTransformerReptile.default_backbones == MetaTransformer.default_backbones


def test_it_is_reptile_but_for_rates_and_sizes():
    ours, theirs = declared_options(MetaTransformerReptile), declared_options(Reptile)
    own = {name for name in theirs if ours[name] != theirs[name]}

    assert own == {"inner_lr", "meta_batch", "train_n_way"}
    assert ours.keys() == theirs.keys()
    assert MetaTransformerReptile.meta_train is Reptile.meta_train
    assert MetaTransformerReptile.predict is Reptile.predict


class OneStep:
    """A session of one step on given episodes."""

    progress = 0.0

    def __init__(self, episodes):
        self._episodes = episodes

    def steps(self):
        yield 0

    def episodes(self, *_, **__):
        return self._episodes


def trained_by_hand(learner, weights, inputs, labels):
    """Two steps of Adam (Kingma and Ba 2015, algorithm 1) with beta1 = 0, of the whole pool."""
    squares = dict.fromkeys(weights, 0.0)
    for step in (1, 2):
        # All of the pool give the statistics of BatchNorm.
        with statistics_from_first(learner, len(labels)):
            gradients = grad(
                lambda weights: functional.cross_entropy(functional_call(learner, weights, (inputs,)), labels)
            )(weights)
        squares = {name: 0.999 * squares[name] + 0.001 * gradients[name] ** 2 for name in weights}
        weights = {
            name: weight - 0.01 * gradients[name] / ((squares[name] / (1 - 0.999**step)).sqrt() + 1e-8)
            for name, weight in weights.items()
        }
    return weights


def test_a_transformers_weights_go_a_part_of_the_way_to_the_trained_ones(toy):
    """φ + ε · mean(φ̃ − φ) (algorithm 2)."""
    images = {"shape": (1, 16, 16), "n_shot": 1, "n_query": 1, "dtype": torch.float64}
    options = {"inner_lr": 0.01, "inner_steps": 2, "inner_shot": 2, "outer_lr": 0.5, "train_n_way": 0}
    learner = toy.learner(
        MetaTransformerReptile, backbone=CCT, shape=images["shape"], width=8, **options
    ).double()
    episodes = toy.episodes(**images)
    start = {name: weight.detach().clone() for name, weight in learner.named_parameters()}
    ends = [
        trained_by_hand(
            learner,
            start,
            torch.cat([one.support[0], one.query[0]]),
            torch.cat([one.support_labels[0], one.targets[0]]),
        )
        for one in episodes
    ]

    learner.meta_train(OneStep(episodes))

    for name, weight in learner.named_parameters():
        expected = start[name] + 0.5 * sum(end[name] - start[name] for end in ends) / len(ends)
        # Of a bias before a BatchNorm the gradient is rounding, of which Adam's steps are still tiny.
        torch.testing.assert_close(weight.detach(), expected, rtol=1e-6, atol=1e-7)


def test_what_all_features_have_in_common_does_not_count(toy):
    images = {"shape": (1, 16, 16), "n_shot": 2, "dtype": torch.float64}
    learner = toy.learner(MetaTransformerReptile, backbone=CCT, shape=images["shape"], width=8).double()
    episodes = toy.episodes(**images)
    answer = learner.answer(episodes)
    learner.backbone.register_forward_hook(lambda _module, _inputs, features: features + 10)

    torch.testing.assert_close(learner.answer(episodes), answer, rtol=1e-5, atol=1e-6)
