"""Reptile: what training on an episode ends at, and the way towards it, against their definitions."""

from itertools import islice

import pytest
import torch
from torch.func import functional_call, grad

from metabench.api.options import declared_options
from metabench_plugins.algorithms.reptile import Reptile, _minibatches

DOUBLE = {"dtype": torch.float64}


class GivenEpisodes:
    """A session that hands out the same episodes in each of a few steps."""

    def __init__(self, episodes, n_steps):
        self._episodes, self._n_steps = episodes, n_steps
        self.progress = 0.0
        self.asked = []

    def steps(self):
        for step in range(self._n_steps):
            self.progress = step / self._n_steps
            yield step

    def episodes(self, count, **protocol):
        self.asked.append((count, protocol))
        # As in a budget in episodes, those that have just been drawn are spent.
        self.progress += 1 / self._n_steps
        return self._episodes


@pytest.fixture
def make(toy):
    """Learners whose minibatches are the whole pool, so that their order does not matter."""

    def make(**options):
        defaults = {"inner_lr": 0.05, "inner_steps": 3, "inner_shot": 4, "meta_batch": 2}
        return toy.learner(Reptile, **{**defaults, **options}).double()

    return make


def weights_of(learner):
    return {name: weight.detach().clone() for name, weight in learner.named_parameters()}


def trained_by_hand(learner, weights, inputs, labels, *, n_steps, lr=0.05):
    """Adam (Kingma and Ba 2015, algorithm 1) with beta1 = 0 and beta2 = 0.999."""

    def loss(weights):
        logits = functional_call(learner, weights, (inputs,))
        return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()

    squares = dict.fromkeys(weights, 0.0)
    for step in range(1, n_steps + 1):
        gradients = grad(loss)(weights)
        squares = {name: 0.999 * squares[name] + 0.001 * gradients[name] ** 2 for name in weights}
        weights = {
            name: weight - lr * gradients[name] / ((squares[name] / (1 - 0.999**step)).sqrt() + 1e-8)
            for name, weight in weights.items()
        }
    return weights


def moved_by_hand(learner, weights, episodes, part):
    """φ + ε · mean(φ̃ − φ) (algorithm 2)."""
    ends = [
        trained_by_hand(
            learner,
            weights,
            torch.cat([episodes.support[index], episodes.query[index]]),
            torch.cat([episodes.support_labels[index], episodes.targets[index]]),
            n_steps=3,
        )
        for index in range(len(episodes))
    ]
    return {
        name: weight + part * sum(end[name] - weight for end in ends) / len(ends)
        for name, weight in weights.items()
    }


def test_initial_weights_go_a_part_of_the_way_to_the_trained_ones(toy, make):
    learner, episodes = make(outer_lr=0.5), toy.episodes(**DOUBLE)
    expected = moved_by_hand(learner, weights_of(learner), episodes, 0.5)

    learner.meta_train(GivenEpisodes(episodes, 1))

    for name, weight in weights_of(learner).items():
        torch.testing.assert_close(weight, expected[name])


def test_that_part_falls_linearly_with_the_budget(toy, make):
    learner, episodes = make(outer_lr=0.8), toy.episodes(**DOUBLE)
    expected = weights_of(learner)
    for part in (0.8, 0.6, 0.4, 0.2):
        expected = moved_by_hand(learner, expected, episodes, part)

    learner.meta_train(GivenEpisodes(episodes, 4))

    for name, weight in weights_of(learner).items():
        torch.testing.assert_close(weight, expected[name])


def test_answers_are_those_of_weights_trained_on_the_support(toy, make):
    learner, episodes = make(test_steps=4), toy.episodes(**DOUBLE)
    expected = []
    for support, labels, query in zip(episodes.support, episodes.support_labels, episodes.query, strict=True):
        trained = trained_by_hand(learner, weights_of(learner), support, labels, n_steps=4)
        expected.append(functional_call(learner, trained, (query,)))

    torch.testing.assert_close(learner.answer(episodes), torch.stack(expected).detach())


def test_minibatches_have_every_example_once_before_any_comes_again():
    labels = torch.zeros(10)
    sizes = [len(rows) for rows in islice(_minibatches(labels, 4), 6)]
    first, second, third = islice(_minibatches(labels, 4), 3)

    assert sizes == [4, 4, 2, 4, 4, 2]
    assert sorted(torch.cat([first, second, third]).tolist()) == list(range(10))


def test_an_inner_step_sees_a_few_examples_per_class(toy, make, monkeypatch):
    learner = make(inner_shot=1, inner_steps=5)
    sizes = []
    real = learner.example_loss
    monkeypatch.setattr(
        learner, "example_loss", lambda w, **named: sizes.append(len(named["labels"])) or real(w, **named)
    )
    learner.meta_train(GivenEpisodes(toy.episodes(**DOUBLE), 1))

    assert sizes == [3] * 10  # two episodes of five steps


def test_it_asks_for_episodes_of_its_protocol(toy, make):
    session = GivenEpisodes(toy.episodes(**DOUBLE), 2)
    make(meta_batch=7, train_n_way=4, train_n_shot=2, train_n_query=6).meta_train(session)

    assert session.asked == [(7, {"n_way": 4, "n_shot": 2, "n_query": 6})] * 2


def test_running_statistics_and_gradients_stay_as_they_are(toy):
    learner = toy.learner(Reptile, backbone=toy.Conv4, shape=(1, 16, 16))
    buffers = {name: buffer.clone() for name, buffer in learner.named_buffers()}
    learner.meta_train(GivenEpisodes(toy.episodes(shape=(1, 16, 16)), 2))

    assert buffers
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in learner.named_buffers())
    assert all(weight.grad is None for weight in learner.parameters())


def test_frozen_weights_stay(toy, make):
    learner = make()
    learner.backbone.layer.weight.requires_grad_(False)
    before = weights_of(learner)
    learner.meta_train(GivenEpisodes(toy.episodes(**DOUBLE), 2))
    moved = {name for name, weight in weights_of(learner).items() if not torch.equal(weight, before[name])}

    assert moved == {"backbone.layer.bias", "head.weight", "head.bias"}


def test_there_is_no_gradient_to_clip():
    assert "clip_norm" not in declared_options(Reptile)


def test_it_learns_a_separable_problem(toy):
    class Signed(GivenEpisodes):
        def episodes(self, count, **_):
            return toy.signed(int(self.progress * self._n_steps), n=count)

    learner = toy.learner(Reptile, n_way=2, inner_lr=0.2, outer_lr=1.0, meta_batch=3, test_steps=10)
    before = toy.signed_accuracy(learner)
    learner.meta_train(Signed(None, 60))

    assert before < 0.8
    assert toy.signed_accuracy(learner) > 0.9
