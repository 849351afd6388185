"""Each check finds what it is for and nothing else: methods that are made to fail exactly one."""

from __future__ import annotations

import os
import random
from contextlib import suppress

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from metabench import clock
from metabench.api import Algorithm, option
from metabench.api.session import BudgetSpentError
from metabench.testing import ConformanceError, check_algorithm
from metabench.testing.backbones import TinyImage, TinyText
from metabench.testing.conformance import CHECKS


class NearestMean(Algorithm):
    """Squared distances to class means: does all that is expected."""

    features_only = True

    def loss(self, episodes):
        logits = NearestMean.predict(self, episodes)
        return functional.cross_entropy(logits.flatten(0, 1), episodes.targets.flatten())

    def predict(self, episodes):
        members = functional.one_hot(episodes.support_labels, episodes.n_way).to(episodes.support.dtype)
        means = torch.einsum("esw,esf->ewf", members, episodes.support) / members.sum(1)[..., None]
        return -(episodes.query[:, :, None] - means[:, None]).square().sum(-1)


class Unbuildable(NearestMean):
    def setup(self):
        raise ValueError("no room")


class WithoutLoss(NearestMean):
    def loss(self, episodes):
        raise ValueError("no loss today")


class Diverging(NearestMean):
    def loss(self, episodes):
        return super().loss(episodes) * float("nan")


class Transposed(NearestMean):
    def predict(self, episodes):
        return super().predict(episodes).mT


class Labels(NearestMean):
    def predict(self, episodes):
        return functional.one_hot(super().predict(episodes).argmax(-1), episodes.n_way)


class Infinite(NearestMean):
    def predict(self, episodes):
        return super().predict(episodes).log()


class Pair(NearestMean):
    def predict(self, episodes):
        return super().predict(episodes), None


class BuiltForFiveWays(NearestMean):
    def predict(self, episodes):
        return functional.pad(super().predict(episodes), (0, self.n_way - episodes.n_way))


class EvenSupports(NearestMean):
    def predict(self, episodes):
        assert episodes.support_labels[0].bincount().unique().numel() == 1, "as many examples of each class"
        return super().predict(episodes)


class LastQuery(NearestMean):
    """Answers the last of many queries otherwise."""

    def predict(self, episodes):
        logits = super().predict(episodes)
        logits[:, 4:][:, -1:, 0] += 100
        return logits


class Centred(NearestMean):
    """Takes a mean over queries."""

    def predict(self, episodes):
        logits = super().predict(episodes)
        return logits - logits.mean(1, keepdim=True)


class DeclaredCentred(Centred):
    transductive = True


class BatchMean(NearestMean):
    """Takes a mean over the episodes of a batch."""

    def predict(self, episodes):
        shift = 10 * episodes.support.mean((0, 1))[0] * torch.eye(episodes.n_way)[0]
        return super().predict(episodes) + shift


class Dice(NearestMean):
    """Draws random numbers that go on from episode to episode."""

    def predict(self, episodes):
        return super().predict(episodes) + torch.rand(()) * torch.eye(episodes.n_way)[0]


class FirstExample(NearestMean):
    """Prefers the class of the first support example."""

    def predict(self, episodes):
        first = functional.one_hot(episodes.support_labels[:, :1], episodes.n_way)
        return super().predict(episodes) + first


class FirstClass(NearestMean):
    """Prefers class 0."""

    def predict(self, episodes):
        return super().predict(episodes) + torch.eye(episodes.n_way)[0]


class Detached(NearestMean):
    """Gradients are zeros."""

    def loss(self, episodes):
        return 0 * sum(parameter.sum() for parameter in self.parameters())


class PartlyFrozen(NearestMean):
    """A layer that nothing is computed with."""

    def setup(self):
        self.idle = nn.Linear(2, 2)


class Guessing(NearestMean):
    """Looks at queries alone."""

    def predict(self, episodes):
        return (97 * episodes.query[..., :1] + torch.arange(episodes.n_way)).sin()


class Unregistered(NearestMean):
    """Keeps what it has learned in a plain attribute."""

    shift = 0.0

    def loss(self, episodes):
        self.shift = 1.0
        return super().loss(episodes)

    def predict(self, episodes):
        return super().predict(episodes) + self.shift * torch.eye(episodes.n_way)[0]


class Unseeded(NearestMean):
    def loss(self, episodes):
        return super().loss(episodes) * os.urandom(1)[0]


class NeverContent(NearestMean):
    """Takes the end of the episodes for an accident."""

    def meta_train(self, session):
        super().meta_train(session)
        while session.progress == 1:
            with suppress(BudgetSpentError):
                session.episodes(1)


class Untimely(NearestMean):
    """Draws until there are no more episodes, which a budget in time never says."""

    def meta_train(self, session):
        while True:
            step(self, session)


class Late(NearestMean):
    """Ends in time, but with nothing committed on the way."""

    def meta_train(self, session):
        while session.progress < 1:
            step(self, session)


class InNumpy(NearestMean):
    """Takes features to numpy, which knows no bfloat16."""

    def predict(self, episodes):
        assert episodes.query.numpy().size
        return super().predict(episodes)


class Careless(NearestMean):
    """Leaves BatchNorm in training mode while it answers."""

    def answer(self, episodes):
        self.train()
        with torch.no_grad():
            return self.predict(self.seen(episodes))


class Untrained(NearestMean):
    def meta_train(self, session):
        session.commit()


def step(learner, session):
    optimiser = torch.optim.SGD(learner.parameters(), lr=1e-4)
    torch.autograd.backward(learner.loss(learner.seen(session.episodes(1))))
    optimiser.step()


def check(algorithm, **options):
    """The report, of a small text backbone and few episodes unless told otherwise."""
    try:
        return check_algorithm(algorithm, **({"backbones": [TinyText], "episodes": 100} | options))
    except ConformanceError as error:
        return error.report


FAIL_ONE = [
    (Unbuildable, "build", "building the learner raises ValueError: no room (test_conformance.py line"),
    (WithoutLoss, "training", "ValueError: no loss today (test_conformance.py line"),
    (Diverging, "training", "weight 'backbone.embedding.weight' has values that are not finite"),
    (Transposed, "output", "predict gives shape (2, 5, 25); expected (2, 25, 5). Return (n_episodes,"),
    (Labels, "output", "predict gives torch.int64; expected floating point."),
    (Infinite, "output", "predict gives 250 of 250 logits that are not finite; expected none."),
    (Pair, "output", "predict gives a tuple; expected a tensor of logits."),
    (BuiltForFiveWays, "other-ways-and-shots", "at 2 ways with 1 shots, predict gives shape (2, 6, 5);"),
    (EvenSupports, "other-ways-and-shots", "at 2 ways with 1 to 2 shots, predict raises AssertionError:"),
    (LastQuery, "query-order", "when the queries come in another order; expected none. Take no statistics"),
    (Centred, "query-company", "when it is asked alone; expected none. Take no statistics from queries"),
    (BatchMean, "batch", "when it is asked without the others of its batch; expected none. Keep sums"),
    (Dice, "state", "when it is asked again; expected none. Keep nothing from episode to episode"),
    (Detached, "weights", "none of 5 parameters has changed after 12 episodes; expected some to."),
    (Guessing, "learning", "after 100 episodes, where guessing has 50 %; expected 75 %."),
    (Unregistered, "reload", "when the learner is built anew from its commit; expected none."),
    (Unseeded, "determinism", "two learners of one seed, meta-trained on the same 4 episodes, differ by"),
    (NeverContent, "episode-budget", "goes on drawing when its episodes are spent; expected it to end."),
    (Untimely, "time-budget", "goes on drawing when its seconds are spent; expected it to end."),
    (Late, "time-budget", "commits nothing before its seconds are spent; expected a state to test."),
    (InNumpy, "bf16", "TypeError: Got unsupported ScalarType BFloat16"),
]
NOTES = [
    (DeclaredCentred, "query-company", "when it is asked alone, as it declares"),
    (FirstExample, "support-order", "when the support comes in another order"),
    (FirstClass, "class-order", "when the classes are numbered otherwise"),
    (Untrained, "weights", "meta-training draws no example: nothing is learned"),
    (PartlyFrozen, "weights", "2 of 7 parameters are as they were: idle.weight, idle.bias"),
]


@pytest.mark.parametrize(
    ("algorithm", "name", "message"), FAIL_ONE, ids=lambda value: getattr(value, "__name__", "")
)
def test_a_method_that_breaks_one_rule_fails_the_check_of_that_rule_alone(algorithm, name, message):
    failed = {one.check: one.message for one in check(algorithm).failed}
    assert list(failed) == [name]
    assert message in failed[name]


def test_every_check_is_failed_or_noted_by_some_method():
    assert {name for _, name, _ in FAIL_ONE + NOTES} == {one.name for one in CHECKS}


@pytest.mark.parametrize(
    ("algorithm", "name", "message"), NOTES, ids=lambda value: getattr(value, "__name__", "")
)
def test_what_is_allowed_but_worth_knowing_is_a_note(algorithm, name, message):
    report = check(algorithm)
    assert not report.failed
    assert message in {one.check: one.message for one in report.notes}[name]


def test_what_an_earlier_failure_leaves_without_meaning_is_not_run():
    report = check(Transposed)
    n_after = len(CHECKS) - 2
    assert [one.status for one in report.results] == ["pass", "fail", *["not run"] * n_after]
    assert {one.message for one in report.results[2:]} == {"it needs 'output'"}


def test_a_method_that_does_all_passes_on_images_and_texts_for_the_ways_and_shots_it_is_built_for():
    report = check(NearestMean, backbones=(), protocol="20w2s")
    assert [one.status for one in report.results] == ["pass"] * 2 * len(CHECKS)
    assert {one.backbone for one in report.results} == {"TinyImage", "TinyText"}


def test_batchnorm_in_training_mode_is_found_by_what_its_answers_depend_on():
    failed = {one.check for one in check(Careless, backbones=[TinyImage]).failed}
    assert {"query-company", "batch"} <= failed


def test_a_failure_is_an_assertion_that_lists_all_that_is_wrong():
    class Both(Unregistered, Centred):
        """Breaks two rules."""

    with pytest.raises(AssertionError) as raised:
        check_algorithm(Both, backbones=[TinyText], episodes=100)
    first, second, third = str(raised.value).splitlines()[:3]
    assert first == "Both fails 2 of 17 checks."
    assert second.startswith("fail: query-company on TinyText: a query's logits differ by ")
    assert third.startswith("fail: reload on TinyText: logits differ by ")


def test_an_algorithm_is_checked_on_the_modalities_that_it_takes_with_the_options_it_is_given():
    class Images(Untrained):
        """Of images only."""

        modalities = ("image",)
        size: int = option(1, "what it is")

        def setup(self):
            assert self.size == 2

    report = check(Images, backbones=(), options={"size": 2})
    assert {one.backbone for one in report.results} == {"TinyImage"}


def test_threads_generators_clock_and_kernels_are_as_they_were_after_checks():
    def state():
        numpy = np.random.get_state()[1].tolist()  # noqa: NPY002 - which plugins may use
        arithmetic = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
        return torch.get_rng_state().tolist(), random.getstate(), numpy, arithmetic, clock.read

    before = state()
    check(Untrained)
    assert state() == before


def test_everything_is_computed_on_one_thread():
    seen = set()

    class Counting(NearestMean):
        def predict(self, episodes):
            seen.add(torch.get_num_threads())
            return super().predict(episodes)

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        check(Counting)
    finally:
        torch.set_num_threads(before)
    assert seen == {1}
