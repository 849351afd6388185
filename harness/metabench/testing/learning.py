"""Checks of meta-training: that it learns, ends, repeats itself, and survives being put away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from metabench.agreement import threshold
from metabench.api.session import Allowance
from metabench.contestant.arithmetic import arithmetic
from metabench.contestant.state import from_bytes
from metabench.spec.protocol import Protocol
from metabench.testing.answers import apart, complain
from metabench.testing.finding import PASS, Check, Finding, fail, note
from metabench.testing.training import TICK_S, ticking_clock

if TYPE_CHECKING:
    from metabench.testing.trial import Trial

# Two ways: methods that must first learn what a label is do so within some hundred episodes.
_TO_LEARN = Protocol(n_way=2, n_shot=1, n_query=5)
# In hundredths of what may be spent, tried one after the other: most methods need no more than the first.
_ATTEMPTS = (3, 10, 30, 100)
_N_TESTED = 30
_CHANCE = 0.5
# Half way from chance to no mistake.
_LEARNED = 0.75
_FEW_EPISODES = 4
_TICKS = 100


def find_training(trial: Trial) -> Finding:
    """Meta-training comes to its end."""
    assert trial.training
    return PASS


def find_weights(trial: Trial) -> Finding:
    """Meta-training changes weights, unless it draws nothing to learn from."""
    training = trial.training
    n_all, n_same = training.n_parameters, len(training.untouched)
    if not training.spent.examples:
        return note("meta-training draws no example: nothing is learned")
    if n_all and n_same == n_all:
        return fail(
            f"none of {n_all} parameters has changed after {training.spent.episodes} episodes; expected some "
            "to. Look for what cuts the loss off from them, as `detach` and `no_grad` do."
        )
    if n_same:
        names = ", ".join(training.untouched[:3]) + (", …" if n_same > 3 else "")
        return note(f"{n_same} of {n_all} parameters are as they were: {names}")
    return PASS


def find_learning(trial: Trial) -> Finding:
    """It tells new classes apart after some episodes of others."""
    accuracy = 0.0
    for hundredths in _ATTEMPTS:
        allowance = Allowance(None, max(1, trial.most_episodes * hundredths // 100))
        accuracy = _accuracy(trial, allowance)
        if accuracy >= _LEARNED:
            return PASS
    return fail(
        f"accuracy on two new classes is {100 * accuracy:.0f} % after {trial.most_episodes} episodes, where "
        f"guessing has {100 * _CHANCE:.0f} %; expected {100 * _LEARNED:.0f} %. Look at loss and learning "
        "rate, and that a support example is told by its label, not by its place."
    )


def _accuracy(trial: Trial, allowance: Allowance) -> float:
    learner = trial.train(allowance, _TO_LEARN).learner
    shots = (_TO_LEARN.n_shot,) * _TO_LEARN.n_way
    episodes = trial.problem.episodes(shots, n_query=_TO_LEARN.n_query, count=_N_TESTED)
    return float((trial.answer(episodes, learner).argmax(-1) == episodes.targets).float().mean())


def find_reload(trial: Trial) -> Finding:
    """A learner that is built anew and given the committed weights answers the same."""
    episodes = trial.episodes()
    before = trial.answer(episodes)
    learner = trial.build()
    from_bytes(learner, trial.training.committed)
    changed = apart(before, trial.answer(episodes, learner))
    if changed > threshold(0.0, "fp32"):
        return fail(
            f"logits differ by {changed:.2g} of their spread when the learner is built anew from its commit; "
            "expected none. Make what `predict` needs a parameter or a buffer."
        )
    return PASS


def find_determinism(trial: Trial) -> Finding:
    """Two meta-trainings from one seed give the same learner."""
    episodes = trial.episodes()
    first, second = (
        trial.answer(episodes, trial.train(Allowance(None, _FEW_EPISODES)).learner) for _ in range(2)
    )
    if not torch.equal(first, second):
        return fail(
            f"two learners of one seed, meta-trained on the same {_FEW_EPISODES} episodes, differ by "
            f"{apart(first, second):.2g} of the spread of their logits; expected none. Draw random numbers "
            "from the global generators, which are seeded, or from one with a seed of its own."
        )
    return PASS


def find_episode_budget(trial: Trial) -> Finding:
    """Meta-training ends when its episodes are spent."""
    if trial.training.is_overrun:
        return fail(
            "meta-training goes on drawing when its episodes are spent; expected it to end. Loop over "
            "`session.steps()`, and let `BudgetSpentError` pass."
        )
    return PASS


def find_time_budget(trial: Trial) -> Finding:
    """Meta-training ends when its seconds are spent, and has committed something by then."""
    seconds = _TICKS * TICK_S
    with ticking_clock():
        training = trial.train(Allowance(seconds, None))
    if training.is_overrun:
        return fail(
            "meta-training goes on drawing when its seconds are spent; expected it to end. Loop over "
            "`session.steps()`, or look at `session.progress`."
        )
    if training.first_commit_s > seconds:
        return fail(
            "meta-training commits nothing before its seconds are spent; expected a state to test. Loop over "
            "`session.steps()`, or call `session.commit()` now and then."
        )
    return PASS


def find_bf16(trial: Trial) -> Finding:
    """It meta-trains and answers in bfloat16 where autocast says so."""
    learner = trial.train(Allowance(None, _FEW_EPISODES), precision="bf16").learner
    episodes = trial.episodes()
    with arithmetic("cpu", "bf16"):
        return complain(trial.answer(episodes, learner), episodes)


TRAINING_CHECK = Check("training", find_training, is_needed=True)
LEARNING_CHECKS = (
    Check("weights", find_weights),
    Check("learning", find_learning),
    Check("reload", find_reload),
    Check("determinism", find_determinism),
    Check("episode-budget", find_episode_budget),
    Check("time-budget", find_time_budget),
    Check("bf16", find_bf16),
)
