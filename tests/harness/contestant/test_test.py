"""The test role: weights, examples, and answers to episodes that name them."""

from functools import partial

import numpy as np
import pytest
import torch

from metabench.contestant.build import build_learner
from metabench.contestant.failure import PluginError
from metabench.contestant.state import to_bytes
from metabench.contestant.test import test as play_test
from metabench.errors import InvalidOutputError
from metabench.wire.channel import PeerGoneError
from metabench.wire.message import Message
from metabench.wire.reports import Counted, hear

N_EPISODES, N_WAY = 3, 3


@pytest.fixture
def questions():
    rng = np.random.default_rng(1)
    drawn = np.stack([rng.permutation(24)[:9] for _ in range(N_EPISODES)])
    return {
        "support": drawn[:, :3].copy(),
        "support_labels": np.tile(np.arange(3), (N_EPISODES, 1)),
        "query": drawn[:, 3:].copy(),
    }


class Examiner:
    """The referee's side of a test."""

    def __init__(self, channel, player) -> None:
        self.channel, self.player = channel, player
        self.hear("ready")

    def hear(self, kind):
        message = self.player.hear(self.channel)
        assert message.kind == kind
        return message

    def load(self, weights):
        self.channel.send(Message("weights", arrays={"weights": weights}))
        self.hear("ready")

    def stage(self, examples, *, embed_once):
        self.channel.send(Message("examples", {"embed_once": embed_once}, {"examples": examples}))
        self.hear("ready")

    def count(self, questions):
        self.channel.send(Message("count", {"n_way": 3}, questions))
        return hear(self.hear("counted"), Counted)

    def rehearse(self, examples, starts):
        self.channel.send(Message("rehearse", arrays={"examples": examples, "starts": starts}))
        return hear(self.hear("counted"), Counted)

    def ask(self, questions):
        self.channel.send(Message("episodes", {"n_way": 3}, questions))
        return self.hear("predictions").arrays["logits"]


@pytest.fixture
def learners(monkeypatch):
    """The learners that contestants build, to look at."""
    from metabench.contestant import test as module

    built = []

    def build(assignment):
        built.append(build_learner(assignment))
        return built[-1]

    monkeypatch.setattr(module, "build_learner", build)
    return built


@pytest.fixture
def examine(channels, play, learners):
    def start(assignment):
        return Examiner(*play(partial(play_test, channels[1], assignment)))

    return start


@pytest.fixture
def trained_weights(assign):
    """Weights whose BatchNorm has seen something."""
    learner = build_learner(assign(seed=5))
    learner.backbone(torch.rand(50, 2, 3))
    return to_bytes(learner)


@pytest.fixture
def examiner(examine, assign, trained_weights, examples):
    """One that has loaded weights and staged examples, to be answered directly."""
    one = examine(assign(role="test"))
    one.load(trained_weights)
    one.stage(examples, embed_once=False)
    return one


def test_answers_are_those_of_the_learner_with_the_weights(examiner, learners, examples, questions):
    logits = examiner.ask(questions)

    learner = learners[0].eval()
    with torch.no_grad():
        features = learner.backbone(torch.from_numpy(examples).float() / 255)
    means = features[questions["support"]]  # one shot, class by class
    expected = -torch.cdist(features[questions["query"]], means)
    assert logits.shape == (N_EPISODES, 6, N_WAY)
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected.numpy(), rtol=1e-4, atol=1e-5)


def test_asking_again_gives_the_same_answers_and_changes_nothing(examiner, learners, questions):
    first = examiner.ask(questions)
    before = {name: value.clone() for name, value in learners[0].state_dict().items()}

    assert np.array_equal(examiner.ask(questions), first)
    assert all(torch.equal(value, before[name]) for name, value in learners[0].state_dict().items())


def test_embedding_once_gives_the_same_answers(examiner, examples, questions):
    direct = examiner.ask(questions)
    examiner.stage(examples, embed_once=True)

    np.testing.assert_allclose(examiner.ask(questions), direct, rtol=1e-4, atol=1e-5)
    one = {name: array[1:2] for name, array in questions.items()}
    np.testing.assert_allclose(examiner.ask(one), direct[1:2], rtol=1e-4, atol=1e-5)


def test_each_example_is_embedded_once_however_often_it_is_asked(examiner, learners, examples, questions):
    backbone = learners[0].backbone
    examiner.stage(examples, embed_once=True)
    backbone.n_calls = backbone.n_seen = 0
    shown = len(np.unique(np.concatenate([questions["support"], questions["query"]], axis=1)))

    for _ in range(3):
        examiner.ask(questions)
    assert (backbone.n_seen, backbone.n_calls) == (shown, 2)  # support, then query

    everything = {**questions, "query": np.tile(np.arange(24), (N_EPISODES, 1))}
    examiner.ask(everything)
    assert backbone.n_seen == 24


def test_without_embedding_once_every_episode_is_embedded_anew(examiner, learners, questions):
    learners[0].backbone.n_seen = 0
    examiner.ask(questions)
    examiner.ask(questions)

    assert learners[0].backbone.n_seen == 2 * N_EPISODES * 9


def test_other_weights_forget_the_features_of_the_first(examiner, assign, examples, questions):
    examiner.stage(examples, embed_once=True)
    first = examiner.ask(questions)
    other = build_learner(assign(seed=9))
    examiner.load(to_bytes(other))
    second = examiner.ask(questions)
    examiner.stage(examples, embed_once=False)

    assert not np.allclose(first, second)
    np.testing.assert_allclose(second, examiner.ask(questions), rtol=1e-4, atol=1e-5)


def test_other_examples_forget_the_features_of_the_first(examiner, examples, questions):
    examiner.stage(examples, embed_once=True)
    first = examiner.ask(questions)
    examiner.stage(examples[::-1].copy(), embed_once=True)
    second = examiner.ask(questions)
    examiner.stage(examples[::-1].copy(), embed_once=False)

    assert not np.allclose(first, second)
    np.testing.assert_allclose(second, examiner.ask(questions), rtol=1e-4, atol=1e-5)


def test_weights_that_cannot_be_read_end_the_test(examiner):
    with pytest.raises(InvalidOutputError, match=r"^weights that cannot be read: "):
        examiner.load(np.frombuffer(b"\x80\x04N.", np.uint8))


def test_the_weights_of_another_learner_end_the_test(examiner, assign, write_plugin):
    wide = write_plugin(name="Flat", module="demo_backbone", width=9)
    with pytest.raises(PluginError, match=r"^the learner, built anew, does not take .* size mismatch"):
        examiner.load(to_bytes(build_learner(assign(backbone=wide))))


def test_the_role_ends_when_the_referee_hangs_up(examiner):
    examiner.channel.close()
    examiner.player.join(10)

    assert isinstance(examiner.player.raised, PeerGoneError)


@pytest.fixture
def answering(examine, assign, write_plugin, examples):
    """A test of an algorithm whose `predict` has a body of its own."""

    def start(body, *, embed_once=False, **changes):
        text = f"class Own(Nearest):\n    def predict(self, episodes):\n        {body}\n"
        one = examine(assign(role="test", algorithm=write_plugin(text, name="Own", module="own"), **changes))
        one.stage(examples, embed_once=embed_once)
        return one

    return start


@pytest.mark.parametrize("embed_once", [False, True])
def test_an_answer_that_is_no_tensor_is_refused(answering, questions, embed_once):
    with pytest.raises(InvalidOutputError, match=r"^predict gives a list; expected a tensor of logits\."):
        answering("return [1, 2]", embed_once=embed_once).ask(questions)


@pytest.mark.parametrize("embed_once", [False, True])
def test_a_method_meets_no_labels_no_gradients_and_evaluation_mode(answering, questions, embed_once):
    answering(
        "assert episodes.query_labels is None and not torch.is_grad_enabled() and not self.training; "
        "return super().predict(episodes)",
        embed_once=embed_once,
    ).ask(questions)


def test_a_method_that_adapts_by_gradients_may_answer_with_its_graph(answering, questions):
    body = "torch.set_grad_enabled(True); return self.backbone.layer.weight.sum() * torch.ones(3, 6, 3)"

    assert answering(body).ask(questions).shape == (3, 6, 3)


@pytest.mark.parametrize("embed_once", [False, True])
def test_in_bf16_answers_are_near_the_exact_ones_and_come_as_float32(
    examine, assign, trained_weights, examples, questions, learners, embed_once
):
    one = examine(assign(role="test", precision="bf16"))
    one.load(trained_weights)
    one.stage(examples, embed_once=embed_once)
    logits = one.ask(questions)
    with torch.no_grad():
        features = learners[0].eval().backbone(torch.from_numpy(examples).float() / 255)
    exact = -torch.cdist(features[questions["query"]], features[questions["support"]])

    assert logits.dtype == np.float32
    assert not np.array_equal(logits, exact.numpy())
    np.testing.assert_allclose(logits, exact.numpy(), rtol=0.1, atol=0.1)


def test_answers_need_not_be_contiguous_or_float(answering, questions):
    body = "return torch.arange(54).view(3, 3, 6).transpose(1, 2)"

    logits = answering(body).ask(questions)
    assert np.array_equal(logits, np.arange(54).reshape(3, 3, 6).transpose(0, 2, 1))


def test_what_answering_computes_is_counted_by_the_episodes_asked(examiner, questions):
    counted = examiner.count(questions)
    one = examiner.count({name: array[:1] for name, array in questions.items()})

    # Nine examples through 6 · 4 weights; three means of four features; distances of six queries to these.
    assert one.operations == 9 * 2 * 24 + 3 * 3 * 2 * 4 + 3 * 6 * 3 * 4
    assert counted.operations == N_EPISODES * one.operations
    assert counted.parameters == 24 + 4 + 2 * 4
    assert (counted.steps, counted.uncounted) == (0, ())


def test_a_few_steps_are_rehearsed_and_counted(examiner, examples):
    counted = examiner.rehearse(examples, np.arange(0, 25, 4, dtype=np.int64))

    assert counted.steps == 3
    assert counted.operations > 3 * 9 * 3 * 2 * 24
