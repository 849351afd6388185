"""The base of algorithms: options, the default loop, features, and asking as testing does."""

import math

import pytest
import torch
from torch import nn

from metabench.api import Algorithm, Episodes, option, session
from metabench.errors import InvalidOutputError


def episodes_of(n=2, shape=(6,), labelled=True):
    rng = torch.Generator().manual_seed(3)
    return Episodes(
        support=torch.randn(n, 3, *shape, generator=rng),
        support_labels=torch.tensor([[0, 1, 2]] * n),
        query=torch.randn(n, 6, *shape, generator=rng),
        query_labels=torch.tensor([[0, 1, 2, 0, 1, 2]] * n) if labelled else None,
        n_way=3,
    )


def test_options_have_their_defaults_and_what_is_set(toy):
    learner = toy.learner(outer_lr=0.5, n_way=4, n_shot=2, n_query=6)

    assert (learner.outer_lr, learner.meta_batch, learner.clip_norm) == (0.5, 1, 0.0)
    assert (learner.n_way, learner.n_shot, learner.n_query) == (4, 2, 6)


def test_setup_may_use_options_backbone_and_protocol(toy):
    class WithHead(toy.Nearest):
        width: int = option(3, "outputs")

        def setup(self):
            self.head = nn.Linear(self.backbone.n_features, self.width * self.n_way)

    assert toy.learner(WithHead, width=2).head.weight.shape == (6, 4)


@pytest.mark.parametrize("missing", ["loss", "predict"])
def test_one_that_lacks_a_part_cannot_be_made(toy, missing):
    kind = type("Partial", (toy.Nearest,), {missing: getattr(Algorithm, missing)})

    with pytest.raises(TypeError, match=rf"abstract.*{missing}"):
        toy.learner(kind)


@pytest.mark.parametrize("clip_norm", [0.0, 1.0])
def test_the_default_loop_learns_a_separable_problem(toy, clip_norm, monkeypatch):
    monkeypatch.setattr(session, "VALIDATION_EPISODES", 50)

    def accuracy(learner):
        return toy.session(learner, episodes=1).validate()

    learner = toy.learner(outer_lr=0.03, meta_batch=4, train_n_query=5, clip_norm=clip_norm)
    before = accuracy(learner)
    learner.meta_train(toy.session(learner, episodes=200))

    assert before < 0.75
    assert accuracy(learner) > 0.9


def test_two_runs_of_the_default_loop_give_the_same_weights(toy):
    def weights(seed):
        torch.manual_seed(0)
        learner = toy.learner()
        learner.meta_train(toy.session(learner, episodes=5, seed=seed))
        return learner.backbone.layer.weight

    assert torch.equal(weights(0), weights(0))
    assert not torch.equal(weights(0), weights(1))


class Linear(Algorithm):
    """A loss whose gradient is a constant, to see what the loop does with it."""

    slope = 1.0

    def setup(self):
        self.weight = nn.Parameter(torch.zeros(()))
        self.batches = []

    def loss(self, episodes):
        self.batches.append((len(episodes), episodes.n_way, episodes.n_support, episodes.targets.shape[1]))
        assert self.training
        return self.slope * self.weight

    def predict(self, episodes):
        return torch.zeros(*episodes.support_labels.shape[:1], 6, episodes.n_way)


def test_the_learning_rate_falls_as_a_cosine_of_progress(toy):
    learner = toy.learner(Linear, outer_lr=0.1, meta_batch=1)
    recorder = toy.Recorder()
    learner.meta_train(toy.session(learner, recorder, episodes=10))

    # Adam moves by its learning rate where the gradient is constant.
    expected = -sum(0.1 * 0.5 * (1 + math.cos(math.pi * step / 10)) for step in range(10))
    assert learner.weight.item() == pytest.approx(expected, rel=1e-5)
    assert recorder.commits[-1][1]["weight"].item() == learner.weight.item()


@pytest.mark.parametrize(("clip_norm", "expected"), [(0.0, 1.0), (0.25, 0.25), (4.0, 1.0)])
def test_the_gradient_is_clipped_to_the_norm_that_is_set(toy, monkeypatch, clip_norm, expected):
    learner = toy.learner(Linear, clip_norm=clip_norm)
    seen = []
    monkeypatch.setattr(torch.optim.Adam, "step", lambda optimiser: seen.append(learner.weight.grad.item()))
    learner.meta_train(toy.session(learner, episodes=2))

    assert seen == pytest.approx([expected] * 2, rel=1e-4)


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (lambda _: 0.5, "loss gives a float; expected a scalar tensor, the mean over the episodes"),
        (lambda weight: weight * torch.ones(2), r"loss gives a tensor of shape \(2,\); expected a scalar"),
        (lambda weight: weight.detach(), "loss gives a tensor without gradients; expected a scalar tensor, "),
    ],
)
def test_a_loss_that_cannot_be_minimised_is_refused(toy, loss, message):
    learner = toy.learner(Linear)
    learner.loss = lambda _: loss(learner.weight)

    with pytest.raises(InvalidOutputError, match=f"^{message}"):
        learner.meta_train(toy.session(learner, episodes=2))


def test_an_answer_that_is_no_tensor_is_refused_where_meta_training_validates(toy):
    learner = toy.learner(Linear)
    learner.predict = lambda _: None

    with pytest.raises(InvalidOutputError, match=r"^predict gives a NoneType; expected a tensor"):
        toy.session(learner, episodes=2).validate()


def test_the_loop_draws_what_the_options_say(toy):
    learner = toy.learner(Linear, meta_batch=3, train_n_way=5, train_n_shot=2, train_n_query=4)
    learner.meta_train(toy.session(learner, episodes=7))

    assert learner.batches == [(3, 5, 10, 20), (3, 5, 10, 20), (1, 5, 10, 20)]


def test_without_options_the_loop_draws_as_the_benchmark_does(toy):
    learner = toy.learner(Linear)
    learner.meta_train(toy.session(learner, episodes=2))

    assert learner.batches == [(1, 3, 3, 6)] * 2


def test_features_stand_for_inputs_where_an_algorithm_wants_no_more(toy):
    learner = toy.learner().eval()
    episodes = episodes_of()
    seen = learner.seen(episodes)

    for before, after in ((episodes.support, seen.support), (episodes.query, seen.query)):
        expected = torch.stack([learner.backbone(one) for one in before])
        torch.testing.assert_close(after, expected)
    assert seen.support_labels is episodes.support_labels
    assert seen.query_labels is episodes.query_labels


def test_support_and_query_are_embedded_in_one_pass(toy):
    """So that a BatchNorm in training mode sees them together."""
    learner = toy.learner()
    calls = []
    learner.backbone.register_forward_hook(lambda module, inputs, output: calls.append(inputs[0].shape))

    learner.seen(episodes_of())

    assert calls == [(18, 6)]


def test_inputs_of_many_tensors_are_embedded(toy):
    class Sum(toy.Flat):
        def forward(self, inputs):
            return super().forward(inputs["a"] + inputs["b"])

    learner = toy.learner(backbone=Sum).eval()
    plain = episodes_of()
    parted = Episodes(
        support={"a": plain.support, "b": torch.zeros_like(plain.support)},
        support_labels=plain.support_labels,
        query={"a": torch.zeros_like(plain.query), "b": plain.query},
        query_labels=None,
        n_way=3,
    )

    expected = torch.stack([learner.backbone({"a": one, "b": one * 0}) for one in plain.query])
    torch.testing.assert_close(learner.seen(parted).query, expected)


def test_inputs_stay_where_an_algorithm_wants_them(toy):
    episodes = episodes_of()

    assert toy.learner(Linear).seen(episodes) is episodes


def test_asking_is_without_labels_gradients_and_training_mode(toy):
    class Curious(toy.Nearest):
        def predict(self, episodes):
            self.met = (
                episodes.query_labels,
                torch.is_grad_enabled(),
                [part.training for part in self.modules()],
            )
            return super().predict(episodes)

    learner = toy.learner(Curious)
    answer = learner.answer(episodes_of())

    assert learner.met == (None, False, [False] * 4)
    assert answer.shape == (2, 6, 3)
    assert not answer.requires_grad


def test_asking_leaves_the_mode_of_every_part_as_it_was(toy):
    learner = toy.learner()
    learner.backbone.norm.eval()

    learner.answer(episodes_of())

    assert [(name, part.training) for name, part in learner.named_modules()] == [
        ("", True),
        ("backbone", True),
        ("backbone.layer", True),
        ("backbone.norm", False),
    ]
    learner.eval()
    learner.answer(episodes_of())
    assert not any(part.training for part in learner.modules())


def test_asking_restores_the_mode_when_the_method_raises(toy):
    class Broken(toy.Nearest):
        def predict(self, episodes):
            raise KeyError

    learner = toy.learner(Broken)
    with pytest.raises(KeyError):
        learner.answer(episodes_of())

    assert all(part.training for part in learner.modules())
