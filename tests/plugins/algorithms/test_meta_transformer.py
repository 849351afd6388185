"""Meta-Transformer: its steps and their gradients against MAML, closed forms and finite differences."""

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from metabench.api.backbone import BackboneSetting
from metabench.api.episodes import map_inputs
from metabench.api.options import declared_options, resolve_options
from metabench.discovery.contestants import find
from metabench_plugins.algorithms.maml import MAML
from metabench_plugins.algorithms.meta_transformer import MetaTransformer
from metabench_plugins.backbones.cct import CCT
from metabench_plugins.backbones.transformer import Transformer

DOUBLE = {"dtype": torch.float64}
NAMES = ["backbone.layer.weight", "backbone.layer.bias", "head.weight", "head.bias"]


@pytest.fixture
def make(toy):
    """Learners that train on episodes of as many ways as they are tested on."""

    def make(**options):
        return toy.learner(MetaTransformer, **{"train_n_way": 0, **options}).double()

    return make


@pytest.fixture
def learner(make):
    """With step sizes that differ, as after training."""
    learner = make(inner_steps=2)
    with torch.no_grad():
        learner.log_step_sizes.copy_(torch.tensor([0.5, 0.2, 0.7, 0.3]).log())
    return learner


def maml_from_zero(toy, learner, **options):
    """MAML on the same features, with a last layer of zeros."""
    maml = toy.learner(MAML, **options).double()
    maml.backbone.load_state_dict(learner.backbone.state_dict())
    for weight in maml.head.parameters():
        torch.nn.init.zeros_(weight)
    return maml


@pytest.mark.parametrize("inner_steps", [0, 1, 2])
def test_with_equal_step_sizes_it_is_maml_of_one_step_more_from_a_last_layer_of_zeros(toy, make, inner_steps):
    """Nothing but that layer moves in the first step of either."""
    learner = make(head_lr=0.4, inner_lr=0.4, inner_steps=inner_steps)
    maml = maml_from_zero(toy, learner, inner_lr=0.4, inner_steps=inner_steps + 1)
    episodes = toy.episodes(**DOUBLE)
    losses = learner.loss(episodes), maml.loss(episodes)
    for loss in losses:
        loss.backward()

    # Step sizes are kept in single precision until the learner is cast.
    near = {"rtol": 1e-6, "atol": 1e-8}
    torch.testing.assert_close(*losses, **near)
    torch.testing.assert_close(learner.answer(episodes), maml.answer(episodes), **near)
    for name in NAMES[:2]:
        torch.testing.assert_close(learner.get_parameter(name).grad, maml.get_parameter(name).grad, **near)


def test_the_first_step_is_that_of_softmax_regression_from_zero(toy, make):
    """W = rate · (onehot − 1/3)ᵀ h / 6, and the same for the bias."""
    learner = make(head_lr=0.8, inner_steps=0)
    episode = toy.episodes(**DOUBLE, n=1)
    adapted = learner.adapt(episode, training=True)

    hidden = learner.backbone(episode.support[0])
    errors = functional.one_hot(episode.support_labels[0], 3).double() - 1 / 3
    near = {"rtol": 1e-6, "atol": 1e-9}
    torch.testing.assert_close(adapted["head.weight"], 0.8 * errors.T @ hidden / 6, **near)
    torch.testing.assert_close(adapted["head.bias"], 0.8 * errors.mean(0), **near)
    assert torch.equal(adapted["backbone.layer.weight"], learner.backbone.layer.weight)


def test_each_weight_tensor_has_a_step_size_of_its_own(toy, learner):
    """The last step of all weights is theirs times the gradient at where the steps before it end."""
    episode = toy.episodes(**DOUBLE, n=1)
    loss = learner.support_loss(episode)
    ends = learner.adapt(episode, training=True)
    learner.inner_steps = 1
    adapted = learner.adapt(episode, training=True)
    before = {name: weight.detach().requires_grad_() for name, weight in adapted.items()}
    gradients = dict(zip(before, torch.autograd.grad(loss(before), before.values()), strict=True))

    assert list(ends) == NAMES
    for name, rate in zip(NAMES, (0.5, 0.2, 0.7, 0.3), strict=True):
        moved = before[name] - rate * gradients[name]
        torch.testing.assert_close(ends[name], moved, rtol=1e-6, atol=1e-9)


def test_the_gradients_are_those_of_finite_differences(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    learner.loss(episodes).backward()

    trained = {name: weight for name, weight in learner.named_parameters() if weight.requires_grad}
    assert list(trained) == ["log_step_sizes", *NAMES[:2]]
    for name, weight in trained.items():
        for place in {(0,) * weight.dim(), tuple(size - 1 for size in weight.shape)}:
            sides = []
            for step in (1e-5, -1e-5):
                with torch.no_grad():
                    weight[place] += step
                sides.append(learner.loss(episodes).item())
                with torch.no_grad():
                    weight[place] -= step
            expected = (sides[0] - sides[1]) / 2e-5
            assert weight.grad[place].item() == pytest.approx(expected, rel=1e-5, abs=1e-8), name


def test_the_first_order_gradient_treats_steps_as_constants(toy, make):
    first, second = make(second_order=False), make()
    second.load_state_dict(first.state_dict())
    episodes = toy.episodes(**DOUBLE)
    losses = first.loss(episodes), second.loss(episodes)
    for loss in losses:
        loss.backward()

    assert losses[0].item() == losses[1].item()
    weights = [learner.backbone.layer.weight.grad for learner in (first, second)]
    assert not torch.allclose(*weights, rtol=0.01)


def test_classes_can_be_numbered_otherwise(toy, learner):
    episodes = toy.episodes(**DOUBLE)
    order = torch.tensor([2, 0, 1])
    other = replace(episodes, support_labels=order[episodes.support_labels])

    torch.testing.assert_close(learner.answer(other)[..., order], learner.answer(episodes))


def test_the_last_layer_stays_at_zero(toy, make):
    class OneEpisode:
        progress = 0.0

        def steps(self):
            return range(2)

        def episodes(self, count, **_):
            return toy.episodes(**DOUBLE, n=count)

    learner = make()
    before = {name: weight.clone() for name, weight in learner.named_parameters()}
    learner.meta_train(OneEpisode())

    moved = {name for name, weight in learner.named_parameters() if not weight.equal(before[name])}
    assert moved == {"backbone.layer.weight", "backbone.layer.bias", "log_step_sizes"}
    assert not any(weight.any() for weight in learner.head.parameters())


def test_frozen_weights_have_no_step_size_and_stay(toy):
    class Frozen(toy.Dense):
        def setup(self, example_shape):
            super().setup(example_shape)
            self.layer.weight.requires_grad_(False)

    learner = toy.learner(MetaTransformer, backbone=Frozen)
    episode = toy.episodes(n=1)

    assert list(learner.adapt(episode, training=True)) == NAMES[1:]
    assert len(learner.log_step_sizes) == 3


def test_it_learns_a_separable_problem(toy):
    learner = toy.learner(MetaTransformer, n_way=2, train_n_way=0, inner_lr=0.1)
    optimiser = torch.optim.Adam(learner.parameters(), lr=0.02)
    before = toy.signed_accuracy(learner)
    for seed in range(100):
        optimiser.zero_grad()
        learner.loss(toy.signed(seed)).backward()
        optimiser.step()

    assert before < 0.9
    assert toy.signed_accuracy(learner) > 0.97


@pytest.mark.parametrize(("modality", "kind"), [("image", CCT), ("text", Transformer)])
def test_it_wishes_for_a_transformer_of_each_modality(modality, kind):
    plugin = find("backbone", MetaTransformer.default_backbones[modality])

    assert plugin.target == f"{kind.__module__}:{kind.__name__}"
    assert kind.modality == modality
    assert modality in MetaTransformer.modalities


def texts(n_episodes, n_texts):
    """Texts of 2 to 6 tokens."""
    ids = torch.randint(1, 20, (n_episodes, n_texts, 6))
    ids = ids.masked_fill(torch.arange(6) >= torch.randint(2, 7, (n_episodes, n_texts, 1)), 0)
    return {"ids": ids, "mask": ids != 0}


@pytest.mark.parametrize("kind", [CCT, Transformer])
def test_on_a_transformer_all_weights_are_trained_and_a_query_is_answered_by_itself(toy, kind):
    shape = (6,) if kind is Transformer else (1, 12, 12)

    class Small(kind):
        def __init__(self, setting):
            options = resolve_options(declared_options(kind), {"width": 8, "layers": 1, "heads": 2})
            super().__init__(BackboneSetting(options, shape, n_tokens=20))

    learner = toy.learner(MetaTransformer, backbone=Small, shape=shape)
    episodes = toy.episodes(shape=shape)
    if kind is Transformer:
        episodes = replace(episodes, support=texts(2, 6), query=texts(2, 6))
    learner.loss(episodes).backward()
    first = map_inputs(lambda tensor: tensor[:, :1], episodes.query)
    alone, together = learner.answer(replace(episodes, query=first)), learner.answer(episodes)

    assert [name for name, one in learner.backbone.named_parameters() if not one.grad.any()] == []
    torch.testing.assert_close(alone, together[:, :1], rtol=1e-4, atol=1e-5)
    assert not torch.allclose(together[:, 1:], together[:, :1])
