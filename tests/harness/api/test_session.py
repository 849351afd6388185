"""A session: an exact budget, commits on time, the same validation each time, right labels."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from metabench.api import session as session_module
from metabench.api.session import (
    REPORT_EVERY_S,
    VALIDATION_SHARE,
    BudgetSpentError,
    LabelledPool,
    as_inputs,
)
from metabench.episodes.sampler import draw
from metabench.episodes.stream import named_stream
from metabench.errors import UsageError
from metabench.spec.budget import COMMIT_FRACTIONS
from metabench.spec.protocol import Protocol


@pytest.fixture
def learner(toy):
    return toy.learner()


@pytest.mark.parametrize("meta_batch", [1, 2, 7, 300, 1000])
def test_a_budget_in_episodes_is_spent_exactly(toy, learner, meta_batch):
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, episodes=300)
    drawn, progress = 0, [session.progress]
    for _ in session.steps():
        drawn += len(session.episodes(meta_batch))
        progress.append(session.progress)

    assert drawn == 300
    assert session.spent.episodes == 300
    assert session.spent.examples == 300 * 3 * 3
    assert (progress[0], progress[-1]) == (0.0, 1.0)
    assert all(before < after for before, after in pairwise(progress))


def test_more_than_the_budget_is_not_to_be_had(toy, learner):
    session = toy.session(learner, episodes=5)

    assert [len(session.episodes(2)) for _ in range(3)] == [2, 2, 1]
    for ask in (lambda: session.episodes(1), lambda: session.minibatch(1)):
        with pytest.raises(BudgetSpentError, match="all 5 episodes of the budget are drawn"):
            ask()
    assert session.spent.episodes == 5
    assert session.progress == 1.0


def test_the_episodes_of_a_run_do_not_depend_on_how_they_are_batched(toy, learner):
    def drawn(batch):
        session = toy.session(learner, episodes=12)
        return torch.cat([session.episodes(batch).query for _ in range(12 // batch)])

    assert torch.equal(drawn(1), drawn(4))
    assert torch.equal(drawn(1), drawn(12))


def test_episodes_are_those_of_the_seeds_stream(toy, learner):
    pool = toy.pool(seed=0)
    episodes = toy.session(learner, episodes=9, seed=7).episodes(3, n_way=4, n_shot=2, n_query=3)
    expected = draw(pool.starts, Protocol(4, 2, 3), named_stream("meta_train", 7), first=0, count=3)

    assert torch.equal(episodes.support, pool.examples[expected.support])
    assert torch.equal(episodes.query, pool.examples[expected.query])
    assert episodes.support_labels.tolist() == expected.support_labels.tolist()
    assert episodes.targets.tolist() == expected.query_labels.tolist()
    assert episodes.n_way == 4


def test_other_seeds_draw_other_episodes(toy, learner):
    first, second = (toy.session(learner, episodes=9, seed=seed).episodes(9).query for seed in (0, 1))

    assert not torch.equal(first, second)


def test_no_more_ways_come_than_there_are_classes(toy, learner):
    assert toy.session(learner, episodes=9).episodes(1, n_way=50).n_way == 8


@pytest.mark.parametrize("method", ["episodes", "validate"])
@pytest.mark.parametrize("first", ["meta_train", "meta_val"])
def test_a_split_that_cannot_fill_an_episode_is_named(toy, learner, method, first):
    """Whether or not the other split, of as many classes, can."""
    small, large = toy.pool(n_each=2), toy.pool()
    pools = {"episodes": (small, large), "validate": (large, small)}[method]
    session = toy.session(learner, episodes=9, pools=pools)
    split = {"episodes": "meta_train", "validate": "meta_val"}[method]
    calls = {"meta_train": lambda: session.episodes(1), "meta_val": session.validate}
    if first != split:
        calls[first]()

    with pytest.raises(
        UsageError, match=rf"{split} has 2 examples of class 'number 0'; n_shot \+ n_query needs 3"
    ):
        calls[split]()


def test_commits_come_at_the_fractions_of_a_budget_in_episodes_and_at_its_end(toy, learner, fake_clock):
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, episodes=160)
    at = []
    recorder.on_commit = lambda: at.append(session.spent.episodes)
    for _ in session.steps():
        session.episodes(1)

    assert at == [10, 20, 40, 80, 160]
    assert [spent.episodes for spent in recorder.reports] == at


def test_fractions_that_one_step_passes_together_give_one_commit(toy, learner):
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, episodes=10)
    at = []
    recorder.on_commit = lambda: at.append(session.spent.episodes)
    for _ in session.steps():
        session.episodes(3)

    assert at == [3, 6, 10]


def test_a_loop_that_begins_within_the_budget_commits_at_the_fractions_that_are_left(toy, learner):
    """As the second stage of a method does."""
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, episodes=160)
    at = []
    recorder.on_commit = lambda: at.append(session.spent.episodes)
    for _ in session.steps():
        if session.progress >= 1 / 4:
            break
        session.episodes(1)
    for _ in session.steps():
        session.episodes(1)

    assert at == [10, 20, 40, 80, 160]


def run_by_the_clock(session, clock, step_s):
    """Steps that take as long as told; the number of them."""
    n_steps = 0
    for _ in session.steps():
        clock.time += step_s(n_steps) if callable(step_s) else step_s
        n_steps += 1
    return n_steps


@pytest.mark.parametrize("step_s", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("commit_s", [0.0, 0.2])
def test_a_budget_in_time_ends_before_its_deadline_with_a_commit(toy, learner, fake_clock, step_s, commit_s):
    recorder = toy.Recorder()

    def takes_long():
        fake_clock.time += commit_s

    recorder.on_commit = takes_long
    session = toy.session(learner, recorder, seconds=16.0)
    begun = fake_clock.time
    run_by_the_clock(session, fake_clock, step_s)
    times = [at - begun for at, _ in recorder.commits]

    assert len(times) == 5
    assert times[-1] == fake_clock.time - begun
    assert 13.0 < times[-1] < 16.0
    for at, fraction in zip(times, COMMIT_FRACTIONS, strict=False):
        assert 16 * fraction <= at <= 16 * fraction + step_s + commit_s + 1e-6


def test_steps_that_become_slower_are_reckoned_with(toy, learner, fake_clock):
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, seconds=100.0)
    begun = fake_clock.time
    run_by_the_clock(session, fake_clock, lambda n: 1 + 0.1 * n)

    assert 90 < fake_clock.time - begun < 100


def test_progress_of_a_budget_in_time_is_that_of_the_clock(toy, learner, fake_clock):
    session = toy.session(learner, seconds=8.0)
    seen = [session.progress]
    for _ in range(5):
        fake_clock.time += 2.0
        seen.append(session.progress)

    assert seen == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0]


def test_a_budget_in_time_does_not_limit_episodes(toy, learner, fake_clock):
    session = toy.session(learner, seconds=8.0)

    assert [len(session.episodes(50)) for _ in range(4)] == [50] * 4
    assert session.spent.episodes == 200


def test_reports_come_now_and_then(toy, learner, fake_clock):
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, seconds=100.0)
    run_by_the_clock(session, fake_clock, REPORT_EVERY_S / 2)
    fractions = [spent.fraction for spent in recorder.reports]

    assert len(fractions) == pytest.approx(100 / REPORT_EVERY_S, rel=0.1)
    assert fractions == sorted(fractions)


class Adapting:
    """Makes a step of an optimiser for each episode that it answers."""

    def predict(self, episodes):
        weight = torch.zeros(1, requires_grad=True)
        optimiser = torch.optim.SGD([weight], lr=0.1)
        with torch.enable_grad():
            weight.sum().backward()
        optimiser.step()
        return super().predict(episodes)


def test_the_steps_of_all_optimisers_count_whatever_loop_makes_them(toy, learner):
    session = toy.session(learner, episodes=99)
    weights = [torch.zeros(1, requires_grad=True) for _ in range(2)]
    optimisers = [torch.optim.Adam([weights[0]]), torch.optim.SGD([weights[1]], lr=0.1)]
    with session.counting_steps():
        for number in range(5):
            optimisers[number % 2].step()
    optimisers[0].step()

    assert session.spent.steps == 5


def test_an_allowance_of_steps_ends_loops_and_draws_after_so_many(toy, learner, fake_clock):
    session = toy.session(learner, seconds=60.0, steps=3)
    optimiser = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.1)
    seen = []
    with session.counting_steps():
        for _ in session.steps():
            session.episodes(100)
            optimiser.step()
            seen.append(session.progress)

    assert seen == [pytest.approx(1 / 3), pytest.approx(2 / 3), 1]
    with pytest.raises(BudgetSpentError, match="the rehearsal is over"):
        session.minibatch(1)


def test_an_allowance_of_steps_ends_with_its_time_where_none_are_made(toy, learner, fake_clock):
    session = toy.session(learner, seconds=60.0, steps=3)
    session.episodes(1)
    fake_clock.time += 60

    assert session.progress == 1.0
    with pytest.raises(BudgetSpentError):
        session.episodes(1)


def test_the_default_loop_makes_a_step_for_each_batch_of_episodes(toy):
    learner = toy.learner(meta_batch=3)
    session = toy.session(learner, episodes=10)
    with session.counting_steps():
        learner.meta_train(session)

    assert session.spent.steps == 4


def test_steps_of_validations_do_not_count(toy):
    learner = toy.learner(type("Both", (Adapting, toy.Nearest), {}))
    session = toy.session(learner, episodes=99)
    with session.counting_steps():
        session.validate()
        before = session.spent.steps
        learner.loss(session.episodes(1))

    assert (before, session.spent.steps) == (0, 1)


def test_a_report_tells_the_last_validation(toy, learner):
    recorder = toy.Recorder()
    session = toy.session(learner, recorder, episodes=16)
    assert session.spent.validation is None
    accuracy = session.validate()
    session.commit()

    assert recorder.reports[-1].validation == accuracy


def test_labels_of_a_minibatch_are_those_of_its_examples(toy, learner):
    sizes = [1, 4, 2, 7]
    starts = np.cumsum([0, *sizes])
    owner = torch.from_numpy(np.repeat(np.arange(4), sizes))
    pool = LabelledPool(torch.arange(14.0)[:, None] * torch.ones(6), starts)
    session = toy.session(learner, seconds=1e6, pools=(pool, toy.pool()))

    inputs, labels = session.minibatch(2000)

    assert inputs.shape == (2000, 6)
    assert torch.equal(labels, owner[inputs[:, 0].long()])
    assert len(torch.unique(inputs[:, 0])) == 14
    assert session.n_classes == 4


def test_minibatches_are_the_seeds(toy, learner):
    first, again, other = (
        toy.session(learner, episodes=99, seed=seed).minibatch(50)[0] for seed in (1, 1, 2)
    )

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_minibatches_leave_the_global_generator_alone(toy, learner):
    before = torch.get_rng_state()
    toy.session(learner, episodes=99).minibatch(50)
    toy.session(learner, episodes=99).episodes(5)

    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(("size", "counted"), [(1, 1), (9, 1), (10, 2), (90, 10)])
def test_a_minibatch_counts_as_the_episodes_with_as_many_examples(toy, learner, size, counted):
    session = toy.session(learner, episodes=100)  # an episode has 3 · (1 + 2) examples
    session.minibatch(size)

    assert (session.spent.episodes, session.spent.examples) == (counted, size)


def test_small_minibatches_share_an_episode(toy, learner):
    session = toy.session(learner, episodes=100)
    counted = []
    for size in (1, 4, 4, 1, 9, 8):
        session.minibatch(size)
        counted.append(session.spent.episodes)

    assert counted == [1, 1, 1, 2, 3, 3]


def test_minibatches_never_exceed_a_budget_in_episodes(toy, learner):
    session = toy.session(learner, episodes=10)
    drawn = 0
    for _ in session.steps():
        drawn += len(session.minibatch(64)[1])

    assert drawn == 90
    assert (session.spent.episodes, session.spent.examples) == (10, 90)


def test_validation_asks_the_same_episodes_each_time(toy, monkeypatch):
    monkeypatch.setattr(session_module, "VALIDATION_EPISODES", 7)

    class Noting(toy.Nearest):
        def predict(self, episodes):
            self.asked.append(episodes.query.sum().item())
            assert episodes.query_labels is None
            return super().predict(episodes)

    learner = toy.learner(Noting).eval()
    learner.asked = []
    session = toy.session(learner, episodes=50)
    first = session.validate()
    asked, learner.asked = learner.asked, []
    session.episodes(20)
    second = session.validate()

    assert first == second
    assert learner.asked == asked
    assert len(asked) == 7
    assert session.spent.episodes == 20

    learner.asked = []
    session.validate(3)
    assert learner.asked == asked[:3]


def test_validation_is_the_accuracy_on_meta_val(toy):
    class Knowing(toy.Nearest):
        """Knows the classes of meta_val by the first number of their examples."""

        features_only = False

        def predict(self, episodes):
            same = episodes.query[..., None, 0] == episodes.support[:, None, :, 0]
            return same.float()

    starts = np.arange(9, dtype=np.int64) * 10
    val = LabelledPool(torch.arange(8.0).repeat_interleave(10)[:, None] * torch.ones(6), starts)
    session = toy.session(toy.learner(Knowing), episodes=5, pools=(toy.pool(), val))

    assert session.validate() == 1.0
    assert session.spent.validation == 1.0


def test_validation_leaves_every_parts_mode_and_weights_as_they_were(toy, learner):
    learner.train()
    learner.backbone.norm.eval()
    before = {name: value.clone() for name, value in learner.state_dict().items()}

    toy.session(learner, episodes=5).validate()

    assert learner.training
    assert learner.backbone.layer.training
    assert not learner.backbone.norm.training
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_validation_takes_its_share_of_a_budget_in_time_and_no_more(toy, fake_clock, monkeypatch):
    monkeypatch.setattr(session_module, "VALIDATION_EPISODES", 100)

    class Slow(toy.Nearest):
        def predict(self, episodes):
            fake_clock.time += 0.1
            return super().predict(episodes)

    session = toy.session(toy.learner(Slow), seconds=100.0)
    begun = fake_clock.time
    session.validate()

    share = VALIDATION_SHARE / len(COMMIT_FRACTIONS) * 100
    assert share <= fake_clock.time - begun < share + 0.2


def test_validation_has_at_least_one_episode(toy, learner, fake_clock):
    session = toy.session(learner, seconds=1e-9)

    assert 0 <= session.validate() <= 1


def test_few_classes_in_meta_val_lower_its_ways(toy, monkeypatch):
    learner = toy.learner()
    ways = []
    monkeypatch.setattr(learner, "predict", lambda one: ways.append(one.n_way) or torch.zeros(1, 4, 2))
    toy.session(learner, episodes=5, pools=(toy.pool(), toy.pool(n_classes=2))).validate()

    assert set(ways) == {2}


def test_images_of_bytes_are_seen_as_numbers_from_0_to_1():
    stored = torch.tensor([[0, 51, 255]], dtype=torch.uint8)
    seen = as_inputs(stored, torch.device("cpu"))

    assert seen.dtype == torch.float32
    torch.testing.assert_close(seen, torch.tensor([[0.0, 0.2, 1.0]]))
    assert stored.tolist() == [[0, 51, 255]]


def test_other_inputs_stay_as_they_are():
    stored = torch.tensor([[1.0, 300.0]])

    assert as_inputs(stored, torch.device("cpu")) is stored


def test_token_ids_come_with_a_mask_and_their_padding():
    stored = torch.tensor([[[5, 300, 0, 0], [1, 0, 0, 0]]])

    inputs = as_inputs(stored, torch.device("cpu"))

    assert set(inputs) == {"ids", "mask"}
    assert inputs["ids"] is stored
    assert inputs["mask"].dtype == torch.bool
    assert inputs["mask"].tolist() == [[[True, True, False, False], [True, False, False, False]]]
