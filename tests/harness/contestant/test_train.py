"""The meta-training role: ready, go, commits, done."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest

from metabench.contestant.build import build_learner
from metabench.contestant.state import from_bytes
from metabench.contestant.train import train
from metabench.errors import InvalidOutputError
from metabench.wire.message import Message
from metabench.wire.reports import Progress, hear


@pytest.fixture
def arrays(examples):
    starts = np.arange(7, dtype=np.int64) * 4
    return {
        f"{split}.{name}": array.copy()
        for split in ("meta_train", "meta_val")
        for name, array in (("examples", examples), ("starts", starts))
    }


@pytest.fixture
def trained(channels, play, arrays):
    """Let an assignment be meta-trained: the messages after "go" up to the last."""

    def run(assignment):
        ours, player = play(partial(train, channels[1], assignment, arrays))
        assert ours.receive(within_s=30.0).kind == "ready"
        ours.send(Message("go"))
        messages = []
        while not messages or messages[-1].kind != "done":
            messages.append(player.hear(ours))
        player.join(10)
        return messages

    return run


def commits_of(messages):
    return [message.arrays["weights"] for message in messages if message.kind == "commit"]


def test_the_default_loop_commits_as_it_goes_and_ends(trained, assign):
    messages = trained(assign(episodes=16))
    kinds = [message.kind for message in messages]
    before_commits = [
        hear(earlier, Progress).episodes
        for earlier, message in pairwise(messages)
        if message.kind == "commit"
    ]

    assert set(kinds) == {"progress", "commit", "done"}
    assert before_commits == [1, 2, 4, 8, 16]
    assert kinds[-2:] == ["commit", "done"]
    last = hear(messages[-3], Progress)
    assert (last.fraction, last.steps, last.episodes, last.examples) == (1.0, 16, 16, 16 * 9)
    assert last.validation is not None


def test_a_committed_state_is_the_learners(trained, assign):
    learner = build_learner(assign())
    first = learner.backbone.layer.weight.detach().clone()
    commits = commits_of(trained(assign()))
    from_bytes(learner, commits[-1])

    assert not np.array_equal(learner.backbone.layer.weight.detach(), first)
    assert not np.array_equal(commits[0], commits[-1])


def test_the_same_assignment_gives_the_same_commits(trained, assign):
    first, again = commits_of(trained(assign())), commits_of(trained(assign()))

    assert len(first) == 4
    assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))


def with_loop(body):
    lines = "\n".join(f"        {line}" for line in body.splitlines())
    return f"class Own(Nearest):\n    def meta_train(self, session):\n{lines}\n"


@pytest.fixture
def own(trained, assign, write_plugin):
    """Meta-train with a loop of one's own."""

    def run(body, **changes):
        plugin = write_plugin(with_loop(body), name="Own", module="own_loop")
        return trained(assign(algorithm=plugin, **changes))

    return run


def test_a_method_that_never_commits_is_committed_at_its_end(own):
    assert len(commits_of(own("session.episodes(3)"))) == 1


def test_one_that_draws_nothing_is_committed_all_the_same(own):
    assert len(commits_of(own("pass"))) == 1


def test_one_that_has_committed_its_last_state_is_not_committed_again(own):
    assert len(commits_of(own("session.episodes(3)\nsession.commit()"))) == 1


def test_what_changes_after_the_last_draw_is_committed(own, assign):
    """As averaged weights do, which are put in place when all steps are done."""
    messages = own(
        "for _ in session.steps():\n"
        "    session.episodes(2)\n"
        "with torch.no_grad():\n"
        "    self.backbone.layer.weight.fill_(3.0)"
    )
    learner = build_learner(assign())
    from_bytes(learner, commits_of(messages)[-1])

    assert bool((learner.backbone.layer.weight == 3).all())


def test_a_method_that_draws_beyond_its_budget_ends_with_what_it_has(own):
    messages = own("while True:\n    session.episodes(3)", episodes=10)
    last = [hear(message, Progress) for message in messages if message.kind == "progress"][-1]

    assert last.episodes == 10
    assert len(commits_of(messages)) == 1


def test_weights_that_diverge_are_refused(own):
    with pytest.raises(
        InvalidOutputError, match=r"weight 'backbone\.layer\.weight' has values that are not fin"
    ):
        own("with torch.no_grad():\n    self.backbone.layer.weight[0, 0] = float('nan')")


def test_what_a_method_raises_is_raised(own):
    with pytest.raises(ZeroDivisionError):
        own("1 / 0")


def test_in_bf16_the_loop_computes_in_bf16_and_keeps_its_weights(own):
    messages = own(
        "features = self.backbone.layer(torch.ones(2, 6))\n"
        "assert features.dtype == torch.bfloat16\n"
        "assert self.backbone.layer.weight.dtype == torch.float32",
        precision="bf16",
    )

    assert messages[-1].kind == "done"


def test_in_bf16_a_step_changes_what_is_computed_after_it(own):
    own(
        "inputs = torch.ones(2, 6)\n"
        "before = self.backbone.layer(inputs)\n"
        "before.float().sum().backward()\n"
        "with torch.no_grad():\n"
        "    self.backbone.layer.weight.sub_(self.backbone.layer.weight.grad)\n"
        "assert not torch.equal(self.backbone.layer(inputs), before)",
        precision="bf16",
    )
