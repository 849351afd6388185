"""Matching Networks: attention kernel and full context embeddings, against plain numbers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from metabench_plugins.algorithms.matching import FullContext, MatchingNet, log_class_sums


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_by_hand(gates, cell):
    """Hidden and cell state from the four gates in torch's order: input, forget, cell, output."""
    given, kept, new, shown = np.split(gates, 4)
    cell = sigmoid(kept) * cell + sigmoid(given) * np.tanh(new)
    return sigmoid(shown) * np.tanh(cell), cell


def softmax(x):
    return np.exp(x) / np.exp(x).sum()


def numbers(module):
    return {name: weight.detach().numpy() for name, weight in module.named_parameters()}


def probabilities_by_hand(support, labels, query, n_way, scale):
    """Equation 1 with the kernel of section 2.1.1, for one episode."""
    answers = np.zeros((len(query), n_way))
    for q, one in enumerate(query):
        cosines = [one @ other / math.sqrt((one @ one) * (other @ other)) for other in support]
        for weight, label in zip(softmax(scale * np.array(cosines)), labels, strict=True):
            answers[q, label] += weight
    return answers


@pytest.fixture
def context():
    return FullContext(4, steps=3).double()


@pytest.mark.parametrize("labels", [[0, 0, 1, 1, 2, 2], [2, 0, 0, 0, 1, 0]], ids=["even", "uneven"])
@pytest.mark.parametrize("scale", [1.0, 10.0])
def test_answers_are_those_of_the_equation(toy, scale, labels):
    learner = toy.learner(MatchingNet, scale=scale).double()
    episodes = replace(toy.episodes(dtype=torch.float64), support_labels=torch.tensor([labels] * 2))
    answer = learner.answer(episodes).numpy()
    with torch.no_grad():
        support, query = (learner.backbone(x).numpy() for x in (episodes.support, episodes.query))

    for e in range(2):
        expected = probabilities_by_hand(support[e], labels, query[e], 3, scale)
        np.testing.assert_allclose(np.exp(answer[e]), expected, rtol=1e-9)
        np.testing.assert_allclose(np.exp(answer[e]).sum(1), 1)


def test_the_loss_is_the_negative_log_likelihood(toy):
    learner, episodes = toy.learner(MatchingNet), toy.episodes()
    logits = learner.answer(episodes)
    expected = -logits.gather(2, episodes.targets[..., None]).mean()

    torch.testing.assert_close(learner.loss(learner.seen(episodes)).detach(), expected)


def test_a_class_gets_the_attention_of_its_examples_even_where_it_is_next_to_none():
    attention = torch.tensor([[[0.0, -200.0, -200.0]]])

    sums = log_class_sums(attention, torch.tensor([[1, 0, 0]]), 2)
    torch.testing.assert_close(sums, torch.tensor([[[-200.0 + math.log(2), 0.0]]]))


def test_the_support_is_read_forwards_and_backwards(context):
    """Appendix A.2, g(x) = h⃗ + h⃖ + g′(x), one time after the other."""
    support = torch.randn(5, 4, dtype=torch.float64)
    answer = context.embed_support(support[None])[0].detach().numpy()
    weights, expected = numbers(context.support_lstm), support.numpy().copy()
    for ending, order in (("", range(5)), ("_reverse", reversed(range(5)))):
        hidden, cell = np.zeros(4), np.zeros(4)
        for time in order:
            gates = weights[f"weight_ih_l0{ending}"] @ support[time].numpy() + weights[f"bias_ih_l0{ending}"]
            gates += weights[f"weight_hh_l0{ending}"] @ hidden + weights[f"bias_hh_l0{ending}"]
            hidden, cell = lstm_by_hand(gates, cell)
            expected[time] += hidden

    np.testing.assert_allclose(answer, expected, rtol=1e-9)


@pytest.mark.parametrize("steps", [1, 4])
def test_a_query_reads_the_support_by_attention(steps):
    """Appendix A.1, with [h, r] as the hidden state of the LSTM, as the paper has it."""
    context = FullContext(4, steps).double()
    support, query = (torch.randn(n, 4, dtype=torch.float64) for n in (3, 2))
    answer = context.embed_query(query[None], support[None])[0].detach().numpy()
    weights = numbers(context.query_lstm)
    from_query, from_read = np.split(weights["weight_ih"], 2, axis=1)
    from_states = np.concatenate([weights["weight_hh"], from_read], axis=1)
    for one, got in zip(query.numpy(), answer, strict=True):
        hidden, cell = np.zeros(4), np.zeros(4)
        for _ in range(steps):
            read = softmax(support.numpy() @ hidden) @ support.numpy()
            gates = from_query @ one + from_states @ np.concatenate([hidden, read])
            hidden, cell = lstm_by_hand(gates + weights["bias_ih"] + weights["bias_hh"], cell)
            hidden = hidden + one
        np.testing.assert_allclose(got, hidden, rtol=1e-9)


def test_context_stands_before_the_kernel(toy):
    learner, episodes = toy.learner(MatchingNet, fce=True), toy.episodes()
    with torch.no_grad():
        support, query = (learner.backbone(x) for x in (episodes.support, episodes.query))
        support, query = learner.context(support, query)
    cosines = torch.einsum(
        "eqf,esf->eqs", functional.normalize(query, dim=2), functional.normalize(support, dim=2)
    )
    weights = (20 * cosines).softmax(2) @ functional.one_hot(episodes.support_labels, 3).float()

    torch.testing.assert_close(learner.answer(episodes).exp(), weights)


def test_without_context_there_is_nothing_but_the_backbone(toy):
    plain, full = toy.learner(MatchingNet), toy.learner(MatchingNet, fce=True)

    assert all(name.startswith("backbone.") for name in plain.state_dict())
    assert any(name.startswith("context.") for name in full.state_dict())


def test_only_context_depends_on_the_order_of_the_support_and_meta_training_mixes_it(toy):
    plain, full = toy.learner(MatchingNet), toy.learner(MatchingNet, fce=True)
    episodes = toy.episodes()
    backwards = replace(
        episodes, support=episodes.support.flip(1), support_labels=episodes.support_labels.flip(1)
    )

    torch.testing.assert_close(plain.answer(backwards), plain.answer(episodes))
    assert not torch.allclose(full.answer(backwards), full.answer(episodes), rtol=1e-3)
    assert len({round(full.loss(full.seen(episodes)).item(), 5) for _ in range(5)}) > 1
    assert len({plain.loss(plain.seen(episodes)).item() for _ in range(5)}) == 1
