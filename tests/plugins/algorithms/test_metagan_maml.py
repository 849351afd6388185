"""MetaGAN on MAML: both players' losses and gradients against references in plain tensors."""

import pytest
import torch
from torch.func import grad

from metabench.api.options import OptionError
from metabench_plugins.algorithms.metagan_maml import MetaGANMAML

DOUBLE = {"dtype": torch.float64}


@pytest.fixture
def learner(toy):
    """In evaluation mode, in which fakes are the same each time."""
    options = {"inner_lr": 0.5, "inner_steps": 2, "fake_weight": 0.7, "n_fakes": 7}
    return toy.learner(MetaGANMAML, **options).double().eval()


def test_meta_training_leaves_running_statistics_alone(toy):
    """Those of the queries would be in them."""
    learner = toy.learner(MetaGANMAML, backbone=toy.Conv4, shape=(1, 16, 16))
    before = {name: one.clone() for name, one in learner.named_buffers()}
    learner.train()
    learner.loss(toy.episodes(shape=(1, 16, 16))).backward()

    assert before
    assert all(torch.equal(one, before[name]) for name, one in learner.named_buffers())


def weights_of(part):
    return {name: weight.detach().clone() for name, weight in part.named_parameters()}


def features_by_hand(weights, inputs):
    return torch.tanh(inputs @ weights["backbone.layer.weight"].T + weights["backbone.layer.bias"])


def logits_by_hand(weights, features):
    """Of three classes, and last that of fakes."""
    classes = features @ weights["head.weight"].T + weights["head.bias"]
    return torch.cat([classes, features @ weights["fake_head.weight"].T + weights["fake_head.bias"]], dim=1)


def discriminator_by_hand(weights, inputs, labels, fakes):
    real = logits_by_hand(weights, features_by_hand(weights, inputs)).softmax(1)
    fake = logits_by_hand(weights, fakes).softmax(1)
    among_classes = real[:, :3] / real[:, :3].sum(1, keepdim=True)
    supervised = -among_classes[torch.arange(len(labels)), labels].log().mean()
    unsupervised = -real[:, :3].sum(1).log().mean() - fake[:, 3].log().mean()
    return supervised + 0.7 * unsupervised


def generator_by_hand(generator_weights, learner, weights, support):
    fakes = fakes_by_hand(generator_weights, learner, weights, support)
    return -logits_by_hand(weights, fakes).softmax(1)[:, :3].sum(1).log().mean()


def fakes_by_hand(generator_weights, learner, weights, support):
    features = features_by_hand(weights, support)[None]
    return torch.func.functional_call(learner.generator, generator_weights, (features,))[0]


def adapted_by_hand(weights, support, labels, fakes):
    """As many inner steps as there are sets of fakes."""
    for one in fakes:
        gradients = grad(discriminator_by_hand)(weights, support, labels, one)
        weights = {name: weight - 0.5 * gradients[name] for name, weight in weights.items()}
    return weights


def all_fakes(learner, support, labels):
    """Those of both inner steps, and those after them: numbers, which no gradient goes through."""
    weights, made = weights_of(learner), weights_of(learner.generator)
    fakes = []
    for _ in range(3):
        adapted = adapted_by_hand(weights, support, labels, fakes)
        fakes.append(fakes_by_hand(made, learner, adapted, support))
    return fakes[:2], fakes[2]


def test_answers_are_those_of_weights_that_are_adapted_to_the_support_and_fakes(toy, learner):
    episodes, expected = toy.episodes(**DOUBLE), []
    for support, labels, query in zip(episodes.support, episodes.support_labels, episodes.query, strict=True):
        inner, _ = all_fakes(learner, support, labels)
        weights = adapted_by_hand(weights_of(learner), support, labels, inner)
        expected.append(logits_by_hand(weights, features_by_hand(weights, query))[:, :3])

    torch.testing.assert_close(learner.answer(episodes), torch.stack(expected))


def test_each_player_gets_the_gradient_of_its_own_loss(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    loss = learner.loss(episodes)
    loss.backward()

    weights, made, total = weights_of(learner), weights_of(learner.generator), 0.0
    expected = {name: torch.zeros_like(weight) for name, weight in weights.items()}
    for one in episodes:
        support, labels, query = one.support[0], one.support_labels[0], one.query[0]
        inner, outer = all_fakes(learner, support, labels)

        def query_loss(weights, support=support, labels=labels, inner=inner, outer=outer, one=one):
            adapted = adapted_by_hand(weights, support, labels, inner)
            return discriminator_by_hand(adapted, one.query[0], one.targets[0], outer)

        adapted = adapted_by_hand(weights, support, labels, inner)
        own = grad(generator_by_hand)(made, learner, adapted, support)
        gradients = grad(query_loss)(weights) | {f"generator.{name}": one for name, one in own.items()}
        for name, gradient in gradients.items():
            expected[name] += gradient / len(episodes)
        total += discriminator_by_hand(adapted, query, one.targets[0], outer)
        total += generator_by_hand(made, learner, adapted, support)

    torch.testing.assert_close(loss.detach(), total / len(episodes))
    for name, weight in learner.named_parameters():
        torch.testing.assert_close(weight.grad, expected[name])
        assert bool((weight.grad != 0).any()), name


def test_the_generator_is_not_adapted(learner):
    assert set(learner.initial_weights) == {
        *("backbone.layer.weight", "backbone.layer.bias", "head.weight", "head.bias"),
        *("fake_head.weight", "fake_head.bias"),
    }


def test_fakes_are_made_for_fewer_ways_than_the_head_has(toy):
    learner, episodes = toy.learner(MetaGANMAML, n_way=5), toy.episodes(n_way=2)
    with torch.no_grad():
        learner.head.bias[2:] = 100.0
    answer, loss = learner.answer(episodes), learner.loss(episodes)

    assert answer.shape == (2, 4, 2)
    assert loss.item() < 10


@pytest.mark.parametrize(
    ("option", "value", "least"), [("n_fakes", 0, 1), ("generator_width", 0, 1), ("fake_weight", -0.5, 0)]
)
def test_options_out_of_range_are_refused(toy, option, value, least):
    with pytest.raises(OptionError, match=rf"Option '{option}' is {value}; expected at least {least}"):
        toy.learner(MetaGANMAML, **{option: value})
