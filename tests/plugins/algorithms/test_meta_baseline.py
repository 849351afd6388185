"""Meta-Baseline: a cosine ProtoNet with a learned temperature, after pre-training in the same budget."""

import numpy as np
import pytest
import torch
from torch import nn

from metabench.api import session as session_module
from metabench.api.algorithm import Algorithm
from metabench.api.options import OptionError, declared_options, resolve_options
from metabench.api.session import Allowance, LabelledPool, Session
from metabench_plugins.algorithms._pretraining import Pretraining, pretrain
from metabench_plugins.algorithms.meta_baseline import MetaBaseline
from metabench_plugins.algorithms.protonet import ProtoNet

# An episode of the learners here has 3 · (2 + 2) examples.
PER_EPISODE = 12
DOUBLE = {"dtype": torch.float64}


@pytest.fixture(autouse=True)
def _short_validations(monkeypatch):
    monkeypatch.setattr(session_module, "VALIDATION_EPISODES", 3)


class Recording(Session):
    """Notes at which part of the budget what is drawn, and at which episode it is committed."""

    def __init__(self, learner, episodes):
        rng = torch.Generator().manual_seed(0)
        centres = torch.randn(8, 1, 5, generator=rng)
        examples = (centres + 0.3 * torch.randn(8, 10, 5, generator=rng)).flatten(0, 1)
        pool = LabelledPool(examples, 10 * np.arange(9, dtype=np.int64))
        allowance, device = Allowance(None, episodes), torch.device("cpu")
        super().__init__(learner, (pool, pool), allowance, self, seed=0, device=device)
        self.drawn, self.committed = {"minibatch": [], "episodes": []}, []

    def minibatch(self, size):
        self.drawn["minibatch"].append(self.progress)
        return super().minibatch(size)

    def episodes(self, count, **protocol):
        self.drawn["episodes"].append(self.progress)
        return super().episodes(count, **protocol)

    def commit(self, *_):
        self.committed.append(self.spent.episodes)

    def report(self, spent):
        """Forget it."""


def test_logits_are_those_of_the_equations(toy):
    """Equations 1 and 3, number by number: τ · cos(f(x), w_c), where w_c is a class mean."""
    learner, episodes = toy.learner(MetaBaseline, first_temperature=7.0).double(), toy.episodes(**DOUBLE)
    with torch.no_grad():
        support, query = (learner.backbone(x).numpy() for x in (episodes.support, episodes.query))
    labels, answer = episodes.support_labels.numpy(), learner.answer(episodes).numpy()

    for e, q, way in np.ndindex(answer.shape):
        mean = sum(support[e][labels[e] == way]) / (labels[e] == way).sum()
        cosine = query[e, q] @ mean / np.sqrt((query[e, q] @ query[e, q]) * (mean @ mean))
        assert answer[e, q, way] == pytest.approx(7.0 * cosine, rel=1e-9)
    chosen = np.take_along_axis(answer, episodes.targets.numpy()[..., None], axis=2)[..., 0]
    expected = (np.log(np.exp(answer).sum(2)) - chosen).mean()
    assert learner.loss(learner.seen(episodes)).item() == pytest.approx(expected, rel=1e-9)


def test_the_norm_of_the_gradient_is_bounded_in_pretraining_too(toy, monkeypatch):
    norms, real = [], torch.optim.Adam.step

    def step(self, *given):
        weights = [weight for group in self.param_groups for weight in group["params"]]
        norms.append(torch.stack([weight.grad.norm() for weight in weights]).norm().item())
        return real(self, *given)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    for bound in (0.0, 1e-3):
        learner = toy.learner(MetaBaseline, pretraining_share=1.0, clip_norm=bound, batch_size=6)
        learner.meta_train(Recording(learner, 4))

    unbounded, bounded = norms[: len(norms) // 2], norms[len(norms) // 2 :]
    assert min(unbounded) > 1e-2
    assert bounded == pytest.approx([1e-3] * len(bounded), rel=1e-2)


def test_it_learns_as_protonet_by_cosine_does(toy):
    """The same loss and the same gradients, at a temperature that is ProtoNet's factor."""
    learner = toy.learner(MetaBaseline, first_temperature=7.0)
    protonet = toy.learner(ProtoNet, distance="cosine", cosine_scale=7.0)
    protonet.backbone.load_state_dict(learner.backbone.state_dict())
    episodes = toy.episodes()
    losses = [one.loss(one.seen(episodes)) for one in (learner, protonet)]
    for loss in losses:
        loss.backward()

    torch.testing.assert_close(*losses)
    torch.testing.assert_close(learner.backbone.layer.weight.grad, protonet.backbone.layer.weight.grad)
    torch.testing.assert_close(learner.answer(episodes), protonet.answer(episodes))


def test_the_gradient_of_the_temperature_is_that_of_finite_differences(toy):
    learner, episodes = toy.learner(MetaBaseline).double(), toy.episodes(dtype=torch.float64)
    learner.loss(learner.seen(episodes)).backward()
    sides = []
    for step in (1e-5, -1e-5):
        with torch.no_grad():
            learner.temperature += step
            sides.append(learner.loss(learner.seen(episodes)).item())
            learner.temperature -= step

    assert learner.temperature.grad.item() == pytest.approx((sides[0] - sides[1]) / 2e-5, rel=1e-5)


def test_the_stages_share_the_budget(toy):
    learner = toy.learner(MetaBaseline, pretraining_share=0.25, batch_size=PER_EPISODE, train_n_query=2)
    session = Recording(learner, 160)
    learner.meta_train(session)

    assert len(session.drawn["minibatch"]) == 40
    assert len(session.drawn["episodes"]) == 120
    assert max(session.drawn["minibatch"]) < 0.25 == min(session.drawn["episodes"])
    assert session.committed == [10, 20, 40, 80, 160]


def test_the_second_stage_starts_from_the_features_of_the_first(toy):
    """Stage by stage by hand, the second in the loop that all algorithms have."""
    options = {"pretraining_share": 0.5, "pretraining_lr": 0.03, "batch_size": PER_EPISODE}
    learner, other = toy.learner(MetaBaseline, **options), toy.learner(MetaBaseline, **options)
    other.load_state_dict(learner.state_dict())
    torch.manual_seed(1)
    learner.meta_train(Recording(learner, 20))

    torch.manual_seed(1)
    session = Recording(other, 20)
    pretrain(other, nn.Linear(4, 8), session, Pretraining(0.03, PER_EPISODE, 0.5, warm_up=0.2))
    assert other.temperature.item() == 10.0
    Algorithm.meta_train(other, session)

    torch.testing.assert_close(learner.state_dict(), other.state_dict())
    assert learner.temperature.item() != 10.0


@pytest.mark.parametrize(("share", "unused"), [(0.0, "minibatch"), (1.0, "episodes")])
def test_either_stage_can_be_left_out(toy, share, unused):
    learner = toy.learner(MetaBaseline, pretraining_share=share)
    session = Recording(learner, 20)
    learner.meta_train(session)

    assert session.drawn[unused] == []
    assert session.spent.episodes == 20


@pytest.mark.parametrize("value", [0.0, -10.0])
def test_a_temperature_that_turns_similarities_around_is_refused(value):
    with pytest.raises(OptionError, match=rf"'first_temperature' is {value}; expected at least 1e-06"):
        resolve_options(declared_options(MetaBaseline), {"first_temperature": value})
