"""Meta-LSTM: the update rule against plain tensors, and which gradients flow through it."""

import math

import pytest
import torch
from torch.func import functional_call, grad_and_value

from metabench_plugins.algorithms.meta_lstm import MetaLSTM, UpdateRule, preprocessed

DOUBLE = {"dtype": torch.float64}
NAMES = ["backbone.layer.weight", "backbone.layer.bias", "head.weight", "head.bias"]


@pytest.fixture
def rule():
    """As after training: no longer near gradient descent."""
    return lively(UpdateRule(3, 0.1).double())


@pytest.fixture
def learner(toy):
    learner = toy.learner(MetaLSTM, inner_steps=3, states=3).double()
    lively(learner.rule)
    return learner


def lively(rule):
    for parameter in rule.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return rule


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


def preprocessed_by_hand(x, p=10):
    if abs(x) >= math.exp(-p):
        return [math.log(abs(x)) / p, math.copysign(1, x)]
    return [-1, math.exp(p) * x]


def dot(row, values):
    return sum(a * b for a, b in zip(row.tolist(), values, strict=True))


class OneWeight:
    """The rule for a single weight, number by number."""

    def __init__(self, rule, weight):
        self.rule, self.weight = rule, weight
        n_states = rule.reader.hidden_size
        self.hidden, self.cell = [0.0] * n_states, [0.0] * n_states
        self.input_gate, self.forget_gate = 0.0, 1.0

    def update(self, gradient, loss):
        self._read([*preprocessed_by_hand(gradient), *preprocessed_by_hand(loss)])
        self.input_gate = self._gate(self.rule.input_gate, self.input_gate)
        self.forget_gate = self._gate(self.rule.forget_gate, self.forget_gate)
        self.weight = self.forget_gate * self.weight - self.input_gate * gradient
        return self.weight

    def _read(self, told):
        """The ordinary LSTM of the first layer: input, forget, candidate, output."""
        layer, n = self.rule.reader, len(self.hidden)
        sums = [
            dot(layer.weight_ih[k], told)
            + layer.bias_ih[k].item()
            + dot(layer.weight_hh[k], self.hidden)
            + layer.bias_hh[k].item()
            for k in range(4 * n)
        ]
        for k in range(n):
            self.cell[k] = sigmoid(sums[n + k]) * self.cell[k] + sigmoid(sums[k]) * math.tanh(sums[2 * n + k])
        self.hidden = [sigmoid(sums[3 * n + k]) * math.tanh(self.cell[k]) for k in range(n)]

    def _gate(self, layer, before):
        return sigmoid(dot(layer.weight[0], [*self.hidden, self.weight, before]) + layer.bias.item())


def test_numbers_are_preprocessed_by_their_logarithm_and_sign():
    values = [0.0, 1.0, -1.0, 0.03, -250.0, 1e-4, -1e-4, 4e-5, -1e-9]
    expected = [preprocessed_by_hand(value) for value in values]

    torch.testing.assert_close(
        preprocessed(torch.tensor(values, dtype=torch.float64)), torch.tensor(expected, dtype=torch.float64)
    )
    assert preprocessed(torch.tensor(math.e**-5)).tolist() == pytest.approx([-0.5, 1.0])


def test_updates_are_those_of_the_equations(rule):
    weights = torch.randn(4, dtype=torch.float64)
    by_hand = [OneWeight(rule, weight) for weight in weights.tolist()]
    memory = rule.first_memory(weights)
    for loss in (1.5, 0.7, 0.0001):
        gradients = torch.randn(4, dtype=torch.float64) * torch.tensor([1.0, 0.01, 1e-5, 100.0])
        weights, memory = rule(weights, gradients, torch.tensor(loss, dtype=torch.float64), memory)
        expected = [
            one.update(gradient, loss) for one, gradient in zip(by_hand, gradients.tolist(), strict=True)
        ]

        torch.testing.assert_close(weights, torch.tensor(expected, dtype=torch.float64))


def test_all_weights_share_the_rule(rule):
    weights, gradients = torch.randn(2, 5, dtype=torch.float64)
    loss, order = torch.tensor(0.5, dtype=torch.float64), torch.tensor([3, 0, 4, 1, 2])
    plain, _ = rule(weights, gradients, loss, rule.first_memory(weights))
    mixed, _ = rule(weights[order], gradients[order], loss, rule.first_memory(weights))

    torch.testing.assert_close(mixed, plain[order])


def test_the_rule_has_as_many_parameters_for_any_classifier(toy):
    sizes = {
        sum(one.numel() for one in toy.learner(MetaLSTM, n_way=n_way).rule.parameters()) for n_way in (2, 9)
    }

    assert len(sizes) == 1


def test_before_meta_training_it_nearly_descends_the_gradient(toy):
    learner, episode = (
        toy.learner(MetaLSTM, inner_steps=1, inner_lr=0.2).double(),
        toy.episodes(**DOUBLE, n=1),
    )
    weights = {name: learner.get_parameter(name).detach() for name in NAMES}
    gradients, _ = support_gradients(learner, weights, episode)
    adapted = learner.adapt(episode, training=False)

    for name in NAMES:
        expected = weights[name] - 0.2 * gradients[name]
        torch.testing.assert_close(adapted[name], expected, rtol=0.05, atol=0.01)


def support_gradients(learner, weights, episode):
    def loss(weights):
        logits = functional_call(learner, weights, (episode.support[0],))
        labels = episode.support_labels[0]
        return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()

    return grad_and_value(loss)(weights)


def test_an_answer_is_that_of_the_updated_weights(toy, learner):
    episode = toy.episodes(**DOUBLE, n=1)
    weights = {name: learner.get_parameter(name).detach() for name in NAMES}
    ones = {name: [OneWeight(learner.rule, x) for x in weights[name].flatten().tolist()] for name in NAMES}
    for _ in range(3):
        gradients, loss = support_gradients(learner, weights, episode)
        weights = {
            name: torch.tensor(
                [
                    one.update(gradient, loss.item())
                    for one, gradient in zip(ones[name], gradients[name].flatten().tolist(), strict=True)
                ],
                dtype=torch.float64,
            ).view_as(weights[name])
            for name in NAMES
        }
    expected = functional_call(learner, weights, (episode.query[0],)).detach()

    torch.testing.assert_close(learner.answer(episode)[0], expected)


def test_the_gradient_takes_gradients_and_losses_for_constants(toy, learner):
    """As of a computation in which they are looked up, found beforehand."""
    episode = toy.episodes(**DOUBLE, n=1)
    learner.loss(episode).backward()
    found = {name: weight.grad.clone() for name, weight in learner.named_parameters()}

    constants, weights = [], learner.initial_weights
    memory = learner.rule.first_memory(flat(weights))
    for _ in range(3):
        detached = {name: weight.detach() for name, weight in weights.items()}
        gradients, loss = support_gradients(learner, detached, episode)
        constants.append((flat(gradients), loss))
        updated, memory = learner.rule(flat(weights), *constants[-1], memory)
        weights = shaped(updated, weights)

    def outer_loss(parameters):
        weights = flat({name: parameters[name] for name in NAMES})
        rule = {name.removeprefix("rule."): one for name, one in parameters.items() if "rule." in name}
        memory = learner.rule.first_memory(weights)
        for gradients, loss in constants:
            weights, memory = functional_call(learner.rule, rule, (weights, gradients, loss, memory))
        logits = functional_call(learner, shaped(weights, learner.initial_weights), (episode.query[0],))
        labels = episode.targets[0]
        return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()

    parameters = {name: weight.detach().clone() for name, weight in learner.named_parameters()}
    expected, _ = grad_and_value(outer_loss)(parameters)
    for name, gradient in found.items():
        torch.testing.assert_close(gradient, expected[name])


def flat(weights):
    return torch.cat([weights[name].flatten() for name in NAMES])


def shaped(vector, like):
    parts = vector.split([like[name].numel() for name in NAMES])
    return {name: part.view_as(like[name]) for name, part in zip(NAMES, parts, strict=True)}


def test_no_second_derivatives_are_computed(toy, learner, monkeypatch):
    built = []
    real = torch.autograd.grad

    def watched(*args, **kwargs):
        gradients = real(*args, **kwargs)
        built.append(any(gradient.requires_grad for gradient in gradients))
        return gradients

    monkeypatch.setattr(torch.autograd, "grad", watched)
    learner.loss(toy.episodes(**DOUBLE))

    assert built == [False] * 6  # two episodes, three updates


def test_embeddings_of_tokens_are_learned_but_stay_as_they_are_in_an_episode(toy):
    class Looked(toy.Dense):
        """Adds what a table has for the sign of the first number."""

        def setup(self, example_shape):
            super().setup(example_shape)
            self.table = torch.nn.Embedding(2, self.n_features)

        def forward(self, inputs):
            return super().forward(inputs) + self.table((inputs[:, 0] > 0).long())

    learner = toy.learner(MetaLSTM, backbone=Looked)
    learner.loss(toy.episodes()).backward()

    assert "backbone.table.weight" not in learner.initial_weights
    assert bool(learner.backbone.table.weight.grad.any())
