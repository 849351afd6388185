"""Attention-MAML: each attention against plain tensors, alone and together; where it begins, it is MAML."""

import math
from dataclasses import replace

import pytest
import torch
from torch.func import functional_call, grad

from metabench_plugins.algorithms.attention_maml import AttentionMAML, EpisodeAttention, ParameterAttention
from metabench_plugins.algorithms.maml import MAML

DOUBLE = {"dtype": torch.float64}
NAMES = ["backbone.layer.weight", "backbone.layer.bias", "head.weight", "head.bias"]
SWITCHES = {
    "task_attention": "to_episodes.",
    "feature_attention": "to_features.",
    "parameter_attention": "to_parameters.",
}
OFF = dict.fromkeys(SWITCHES, False)
IMAGES = {"shape": (1, 32, 16), "n": 2}


class GivenEpisodes:
    """A session that hands out episodes of its own in each of a few steps."""

    def __init__(self, batches):
        self._batches = batches
        self.progress = 0.0

    def steps(self):
        for step in range(len(self._batches)):
            self.progress = step / len(self._batches)
            yield step

    def episodes(self, count, **protocol):
        return self._batches[round(self.progress * len(self._batches))]


def turned(learner):
    """The learner with attention that is not uniform, as after training."""
    with torch.no_grad():
        for name, one in learner.named_parameters():
            if name.startswith("to_"):
                one.add_(0.7 * torch.randn_like(one))
    return learner


@pytest.fixture
def make(toy):
    """Learners whose attention has been turned away from where it begins."""

    def make(**options):
        return turned(toy.learner(AttentionMAML, **{"inner_lr": 0.5, **options}).double())

    return make


@pytest.fixture
def maml_of(toy):
    """A MAML with the weights of a learner."""

    def maml_of(learner, **options):
        maml = toy.learner(MAML, **{"inner_lr": 0.5, **options}).double()
        maml.load_state_dict({name: learner.get_parameter(name) for name in NAMES})
        return maml

    return maml_of


def weights_of(learner):
    return {name: weight.detach().clone() for name, weight in learner.named_parameters()}


def linear_by_hand(weights, name, inputs):
    return inputs @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]


def scores_by_hand(weights, name, told):
    return (
        torch.tanh(linear_by_hand(weights, f"{name}.scores.0", told)) @ weights[f"{name}.scores.2.weight"][0]
    )


def softmax_by_hand(scores):
    return scores.exp() / scores.exp().sum()


def gradients_of(learner, loss):
    """Of all weights; of those that the loss does not depend on, zeros."""
    learner.zero_grad()
    loss.backward()
    return {
        name: torch.zeros_like(one) if one.grad is None else one.grad.clone()
        for name, one in learner.named_parameters()
    }


def cross_entropy_by_hand(logits, labels):
    return (torch.logsumexp(logits, 1) - logits[torch.arange(len(labels)), labels]).mean()


def assert_gradients_are_those_of_finite_differences(learner, loss, names):
    gradients = gradients_of(learner, loss())
    for name in names:
        weight = learner.get_parameter(name)
        place = tuple(size - 1 for size in weight.shape)
        sides = []
        for step in (1e-5, -1e-5):
            with torch.no_grad():
                weight[place] += step
            sides.append(loss().item())
            with torch.no_grad():
                weight[place] -= step
        expected = (sides[0] - sides[1]) / 2e-5
        assert gradients[name][place].item() == pytest.approx(expected, rel=1e-5, abs=1e-8), name


@pytest.mark.parametrize("options", [OFF, {}, *({**OFF, switch: True} for switch in SWITCHES)])
def test_it_begins_as_maml(toy, maml_of, options):
    """And without any attention it stays so."""
    setting = {"inner_lr": 0.5, "inner_steps": 2}
    learner = toy.learner(AttentionMAML, **setting, **options).double()
    maml, episodes = maml_of(learner, **setting), toy.episodes(**DOUBLE)
    losses = learner.loss(episodes), maml.loss(episodes)
    ours, theirs = gradients_of(learner, losses[0]), gradients_of(maml, losses[1])

    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(learner.answer(episodes), maml.answer(episodes))
    for name in NAMES:
        torch.testing.assert_close(ours[name], theirs[name])


def test_without_attention_it_has_the_weights_of_maml_and_trains_as_maml(toy, maml_of):
    learner = toy.learner(AttentionMAML, inner_lr=0.5, **OFF).double()
    maml, batches = maml_of(learner), [toy.episodes(**DOUBLE, seed=seed) for seed in range(4)]
    for one in (learner, maml):
        one.meta_train(GivenEpisodes(batches))

    assert list(learner.state_dict()) == list(maml.state_dict())
    assert all(torch.equal(learner.get_parameter(name), maml.get_parameter(name)) for name in NAMES)


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_adds_its_own_attention_alone(toy, make, maml_of, switch):
    learner = make(**{**OFF, switch: True})
    maml, episodes = maml_of(learner), toy.episodes(**DOUBLE)
    added = [name for name, _ in learner.named_parameters() if name not in NAMES]

    assert added
    assert all(name.startswith(SWITCHES[switch]) for name in added)
    # Attention to episodes weighs gradients, so it changes no answer of given weights.
    same = torch.allclose(learner.answer(episodes), maml.answer(episodes))
    assert same == (switch == "task_attention")


def test_episodes_are_weighed_by_a_softmax_of_their_scores():
    attention = EpisodeAttention().double()
    told = torch.rand(4, 3, **DOUBLE)
    assert attention(told).tolist() == [0.25] * 4

    with torch.no_grad():
        attention.scores[2].weight.normal_()
    weights = {f"to.{name}": one for name, one in weights_of(attention).items()}
    expected = softmax_by_hand(scores_by_hand(weights, "to", told))
    torch.testing.assert_close(attention(told).detach(), expected)
    assert attention(told).sum().item() == pytest.approx(1)
    order = torch.tensor([2, 0, 3, 1])
    torch.testing.assert_close(attention(told[order]), attention(told)[order])


def told_by_hand(learner, episodes):
    """What attention is told of each episode, and the gradient of each, one after the other."""
    told, gradients = [], []
    for one in episodes:
        loss = learner.loss(one)
        found = gradients_of(learner, loss)
        gradients.append(torch.cat([found[name].flatten() for name in found if "to_episodes" not in name]))
        accuracy = (learner.answer(one)[0].argmax(1) == one.targets[0]).double().mean().item()
        told.append([math.log1p(loss.item()), math.log1p(gradients[-1].norm().item()), accuracy])
    return torch.tensor(told, **DOUBLE), torch.stack(gradients)


def agreement_by_hand(weights, told, gradients, earlier):
    """The cosine of the angle between the weighted gradient and the earlier one."""
    weighted = softmax_by_hand(scores_by_hand(weights, "to_episodes", told)) @ gradients
    return (weighted * earlier).sum() / (weighted.square().sum().sqrt() * earlier.square().sum().sqrt())


def test_gradients_of_a_meta_batch_are_weighed(toy, make):
    learner, episodes = make(), toy.episodes(**DOUBLE, n=3, noise=1.5)
    told, gradients = told_by_hand(learner, episodes)
    weights = softmax_by_hand(scores_by_hand(weights_of(learner), "to_episodes", told))
    learner.zero_grad()
    latest = learner.attend(episodes, torch.zeros_like(gradients[0]))
    found = torch.cat([one.grad.flatten() for one in learner.attended])

    assert weights.max() > 1.05 / 3
    torch.testing.assert_close(found, weights @ gradients)
    torch.testing.assert_close(latest, gradients.mean(0))


def test_attention_to_episodes_turns_the_step_towards_earlier_gradients(toy, make):
    learner, episodes = make(), toy.episodes(**DOUBLE, n=3, noise=1.5)
    told, gradients = told_by_hand(learner, episodes)
    earlier = torch.randn(gradients.shape[1], generator=torch.Generator().manual_seed(1), **DOUBLE)
    learner.zero_grad()
    learner.attend(episodes, earlier)

    rising = grad(agreement_by_hand)(weights_of(learner), told, gradients, earlier)
    for name, one in learner.to_episodes.named_parameters():
        assert bool((one.grad != 0).any())
        torch.testing.assert_close(one.grad, -rising[f"to_episodes.{name}"])


def test_attention_to_episodes_learns_from_the_running_mean_of_gradients(toy, monkeypatch):
    learner = toy.learner(AttentionMAML, inner_lr=0.5, **{**OFF, "task_attention": True}).double()
    seen, means, real = [], [], learner.attend

    def watched(episodes, earlier):
        seen.append(earlier)
        means.append(real(episodes, earlier))
        return means[-1]

    monkeypatch.setattr(learner, "attend", watched)
    learner.meta_train(GivenEpisodes([toy.episodes(**DOUBLE, seed=seed) for seed in range(3)]))

    torch.testing.assert_close(seen[0], torch.zeros_like(means[0]))
    torch.testing.assert_close(seen[1], 0.1 * means[0])
    torch.testing.assert_close(seen[2], 0.09 * means[0] + 0.1 * means[1])


@pytest.mark.parametrize(("n_steps", "is_maml"), [(2, True), (6, False)])
def test_meta_training_departs_from_maml_when_attention_has_learned(toy, maml_of, n_steps, is_maml):
    """The first step has nothing to learn from, and what the second learns serves the third."""
    setting = {"inner_lr": 0.5, "outer_lr": 0.05, "clip_norm": 0.0}
    learner = toy.learner(AttentionMAML, **setting, **{**OFF, "task_attention": True}).double()
    maml = maml_of(learner, **setting)
    batches = [toy.episodes(**DOUBLE, seed=seed, noise=1.5) for seed in range(n_steps)]
    for one in (learner, maml):
        one.meta_train(GivenEpisodes(batches))

    weights = [one.get_parameter("head.weight") for one in (learner, maml)]
    assert torch.allclose(*weights, rtol=1e-6) == is_maml


def test_the_weighted_gradient_is_clipped(toy, make):
    learner = make(clip_norm=1e-3)
    learner.meta_train(GivenEpisodes([toy.episodes(**DOUBLE)]))

    norm = torch.cat([one.grad.flatten() for one in learner.parameters()]).norm()
    assert norm.item() == pytest.approx(1e-3, rel=1e-3)


def scales_by_hand(weights, means):
    hidden = linear_by_hand(weights, "to_features.squeeze", means).clamp_min(0)
    return 2 / (1 + torch.exp(-linear_by_hand(weights, "to_features.excite", hidden)))


def test_features_are_scaled_by_the_support(toy, make):
    learner, episode = make(**{**OFF, "feature_attention": True}), toy.episodes(**DOUBLE, n=1)
    weights = weights_of(learner)
    inputs = torch.cat([episode.support[0], episode.query[0]])
    features = torch.tanh(linear_by_hand(weights, "backbone.layer", inputs))
    scales = scales_by_hand(weights, features[:6].mean(0))

    found = learner.logits(learner.initial_weights, inputs, 3, n_statistics=6).detach()
    assert bool(((scales > 0) & (scales < 2)).all())
    torch.testing.assert_close(found, linear_by_hand(weights, "head", scales * features))


def test_all_places_of_a_channel_have_one_scale(toy):
    options = {"backbone": toy.Conv4, "shape": IMAGES["shape"]}
    learner = turned(toy.learner(AttentionMAML, **options, **{**OFF, "feature_attention": True}))
    features = torch.rand(6, 16)
    # Eight channels of two places each.
    scales = scales_by_hand(weights_of(learner), features[:4].view(4, 8, 2).mean((0, 2)))

    found = learner.to_features(features, 4).detach()
    torch.testing.assert_close(found, features * scales.repeat_interleave(2))


def test_reduction_says_how_many_hidden_units_there_are(toy):
    sizes = [toy.learner(AttentionMAML, reduction=one).to_features.squeeze.out_features for one in (1, 3, 99)]

    assert sizes == [4, 2, 1]


def factors_by_hand(weights, groups, gradients):
    def size(tensor):
        return torch.log10(torch.sqrt((tensor**2).sum() / tensor.numel() + 1e-8))

    told = torch.stack([torch.stack([size(one), size(gradients[name])]) for name, one in groups.items()])
    scores = scores_by_hand(weights, "to_parameters", told) + weights["to_parameters.offsets"]
    return len(groups) * softmax_by_hand(scores)


def test_a_step_is_divided_among_parameter_groups():
    attention = ParameterAttention(3).double()
    weights = [torch.randn(size, **DOUBLE) for size in (4, 1, 6)]
    gradients = [torch.zeros(4, **DOUBLE), torch.full((1,), 50.0, **DOUBLE), torch.randn(6, **DOUBLE)]
    assert attention(weights, gradients).tolist() == [1.0] * 3

    with torch.no_grad():
        attention.scores[2].weight.normal_()
        attention.offsets.normal_()
    named = {f"to_parameters.{name}": one for name, one in weights_of(attention).items()}
    found = attention(weights, gradients).detach()
    torch.testing.assert_close(found, factors_by_hand(named, dict(enumerate(weights)), gradients))
    assert found.sum().item() == pytest.approx(3)


def test_adaptation_takes_the_divided_steps(toy, make):
    learner = make(inner_steps=2, **{**OFF, "parameter_attention": True})
    episode, named = toy.episodes(**DOUBLE, n=1), weights_of(learner)

    def support_loss(weights):
        logits = functional_call(learner, weights, (episode.support[0],))
        return cross_entropy_by_hand(logits, episode.support_labels[0])

    expected, factors = {name: named[name] for name in NAMES}, []
    for _ in range(2):
        gradients = grad(support_loss)(expected)
        factors.append(factors_by_hand(named, expected, gradients))
        expected = {
            name: expected[name] - 0.5 * factor * gradients[name]
            for name, factor in zip(NAMES, factors[-1], strict=True)
        }

    adapted = learner.adapt(episode, training=True)
    assert list(adapted) == NAMES
    for name in NAMES:
        torch.testing.assert_close(adapted[name].detach(), expected[name])
    # What a group gets depends on its gradient.
    assert not torch.allclose(factors[0], factors[1])


def test_only_the_classifier_is_adapted(toy, make):
    learner = make()

    assert list(learner.adapt(toy.episodes(**DOUBLE, n=1), training=True)) == NAMES


@pytest.mark.parametrize("options", [{}, *({**OFF, switch: True} for switch in SWITCHES)])
def test_the_meta_gradient_is_that_of_finite_differences(toy, make, options):
    learner, episodes = make(inner_steps=2, **options), toy.episodes(**DOUBLE)
    names = [name for name, _ in learner.named_parameters() if "to_episodes" not in name]

    assert_gradients_are_those_of_finite_differences(learner, lambda: learner.loss(episodes), names)


def test_in_first_order_gradients_are_constants_and_attention_still_learns(toy, make):
    first, second = make(second_order=False), make()
    second.load_state_dict(first.state_dict())
    episodes = toy.episodes(**DOUBLE)
    ours, theirs = (gradients_of(one, one.loss(episodes)) for one in (first, second))

    assert not torch.allclose(ours["backbone.layer.weight"], theirs["backbone.layer.weight"], rtol=0.01)
    names = [name for name in ours if name.startswith("to_parameters.")]
    assert all(bool((ours[name] != 0).any()) for name in names)
    assert_gradients_are_those_of_finite_differences(first, lambda: first.loss(episodes), names)


def test_the_order_of_the_support_does_not_matter(toy):
    learner = turned(toy.learner(AttentionMAML, backbone=toy.Conv4, shape=IMAGES["shape"]).double())
    episodes, order = toy.episodes(**IMAGES, **DOUBLE), torch.tensor([3, 5, 0, 2, 4, 1])
    mixed = replace(
        episodes, support=episodes.support[:, order], support_labels=episodes.support_labels[:, order]
    )

    torch.testing.assert_close(learner.answer(mixed), learner.answer(episodes))


def test_queries_do_not_change_the_scales(toy):
    learner = turned(toy.learner(AttentionMAML, backbone=toy.Conv4, shape=IMAGES["shape"]).double())
    episodes = toy.episodes(**IMAGES, **DOUBLE)
    louder = torch.cat([episodes.query[:, :1], 100 * episodes.query[:, 1:]], dim=1)

    answers = [learner.answer(replace(episodes, query=query))[:, :1] for query in (episodes.query, louder)]
    torch.testing.assert_close(*answers)


def test_outputs_that_an_episode_does_not_have_change_nothing(toy):
    learner = turned(toy.learner(AttentionMAML, most_way=9, inner_lr=0.5).double())
    episodes = toy.episodes(**DOUBLE)
    before = learner.answer(episodes)
    with torch.no_grad():
        learner.head.weight[3:].mul_(10)
        learner.head.bias[3:].mul_(10)

    assert torch.equal(learner.answer(episodes), before)
