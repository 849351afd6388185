"""Checks of what a learner answers, and of what its answers depend on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from metabench.agreement import difference, threshold
from metabench.api.episodes import map_inputs
from metabench.contestant.failure import one_line
from metabench.errors import InvalidOutputError
from metabench.testing.finding import PASS, Check, Finding, fail, note
from metabench.testing.trial import MOST_WAY

if TYPE_CHECKING:
    from metabench.api.episodes import Episodes
    from metabench.testing.trial import Trial

_LIMIT = threshold(0.0, "fp32")
_UNEVEN = (1, 2, 3, 4, 5)
_N_ALONE = 4


def find_build(trial: Trial) -> Finding:
    """It can be built, for more ways than it is meta-trained with."""
    trial.build()
    return PASS


def find_output(trial: Trial) -> Finding:
    """Logits of the right shape and type, for what the learner is built for, from its first weights on."""
    episodes = trial.episodes()
    return complain(trial.answer(episodes, trial.build()), episodes)


def find_other_ways_and_shots(trial: Trial) -> Finding:
    """The same for what it is not built for, with as many examples of each class and with more of some."""
    for n_way in sorted({2, trial.protocol.n_way, MOST_WAY}):
        for shots in ((1,) * n_way, (5,) * n_way, tuple(_UNEVEN[way % 5] for way in range(n_way))):
            found = _answers_at(trial, shots)
            if found != PASS:
                each = f"{shots[0]}" if len(set(shots)) == 1 else f"{min(shots)} to {max(shots)}"
                return fail(f"at {n_way} ways with {each} shots, {found.message}")
    return PASS


def _answers_at(trial: Trial, shots: tuple[int, ...]) -> Finding:
    episodes = trial.problem.episodes(shots, n_query=3)
    try:
        logits = trial.answer(episodes)
    except InvalidOutputError as error:
        return fail(one_line(error))
    except Exception as error:
        return fail(
            f"predict raises {one_line(error)}; expected logits. Take ways and shots from the episodes, not "
            "from what the learner is built for."
        )
    return complain(logits, episodes)


def complain(logits: Tensor, episodes: Episodes) -> Finding:
    """Find what is wrong with the logits of some episodes."""
    n_query_total = episodes.targets.shape[1]
    expected = (len(episodes), n_query_total, episodes.n_way)
    if logits.shape != expected:
        return fail(
            f"predict gives shape {tuple(logits.shape)}; expected {expected}. "
            "Return (n_episodes, n_query_total, n_way)."
        )
    if not logits.is_floating_point():
        return fail(f"predict gives {logits.dtype}; expected floating point. Return scores of classes.")
    n_bad = int((~logits.isfinite()).sum())
    if n_bad:
        return fail(
            f"predict gives {n_bad} of {logits.numel()} logits that are not finite; expected none. Look for "
            "a division by 0 or the logarithm of 0."
        )
    return PASS


def find_query_order(trial: Trial) -> Finding:
    """A query gets the same logits wherever it stands."""
    episodes = trial.episodes()
    order = torch.randperm(episodes.targets.shape[1], generator=torch.Generator().manual_seed(0))
    changed = apart(trial.answer(episodes)[:, order], trial.answer(_with_queries(episodes, order)))
    return _of_other_queries(trial, changed, "when the queries come in another order")


def find_query_company(trial: Trial) -> Finding:
    """A query gets the same logits alone and among others."""
    episode = trial.episodes(count=1)
    whole = trial.answer(episode)
    alone = [trial.answer(_with_queries(episode, torch.tensor([index]))) for index in range(_N_ALONE)]
    changed = apart(whole[:, :_N_ALONE], torch.cat(alone, dim=1), whole)
    return _of_other_queries(trial, changed, "when it is asked alone")


def find_batch(trial: Trial) -> Finding:
    """An episode gets the same logits alone and in a batch."""
    episodes = trial.episodes(count=3)
    together = trial.answer(episodes)
    alone = torch.cat([trial.answer(episode) for episode in episodes])
    return _demand(
        apart(together, alone),
        "an episode's logits differ by {} of their spread when it is asked without the others of its batch; "
        "expected none. Keep sums and means within an episode.",
    )


def find_state(trial: Trial) -> Finding:
    """An episode gets the same logits before and after others, also from random numbers that go on."""
    learner = trial.training.learner
    episode = trial.episodes(count=1)
    # Random numbers begin anew for the first alone.
    first, again = trial.answer(episode), learner.answer(episode)
    learner.answer(trial.problem.episodes((2,) * trial.protocol.n_way, n_query=2, seed=1))
    return _demand(
        max(apart(first, again), apart(first, learner.answer(episode))),
        "an episode's logits differ by {} of their spread when it is asked again; expected none. Keep "
        "nothing from episode to episode, and draw random numbers from a generator made anew for each.",
    )


def find_support_order(trial: Trial) -> Finding:
    """Whether the order of the support matters, as it may."""
    episodes = trial.episodes()
    order = torch.randperm(episodes.n_support, generator=torch.Generator().manual_seed(0))
    other = replace(
        episodes,
        support=map_inputs(lambda tensor: tensor[:, order], episodes.support),
        support_labels=episodes.support_labels[:, order],
    )
    changed = apart(trial.answer(episodes), trial.answer(other))
    return _tell(changed, "logits differ by {} of their spread when the support comes in another order")


def find_class_order(trial: Trial) -> Finding:
    """Whether it matters which class has which number, as it may."""
    episodes = trial.episodes()
    order = torch.randperm(episodes.n_way, generator=torch.Generator().manual_seed(0))
    other = replace(episodes, support_labels=order[episodes.support_labels])
    changed = apart(trial.answer(episodes), trial.answer(other)[..., order])
    return _tell(changed, "logits differ by {} of their spread when the classes are numbered otherwise")


def apart(first: Tensor, second: Tensor, spread_of: Tensor | None = None) -> float:
    """How far logits are apart, as the audit has it: as a part of the spread of an episode's logits."""
    parts = (first, second, first if spread_of is None else spread_of)
    one, other, whole = (part.detach().float().numpy() for part in parts)
    return difference(one, other, spread_of=whole)


def _with_queries(episodes: Episodes, index: Tensor) -> Episodes:
    """The episodes with some of their queries, in some order."""
    return replace(
        episodes,
        query=map_inputs(lambda tensor: tensor[:, index], episodes.query),
        query_labels=episodes.targets[:, index],
    )


def _of_other_queries(trial: Trial, changed: float, when: str) -> Finding:
    """What it means that logits change when nothing but other queries does."""
    is_declared = trial.subject.algorithm.transductive
    told = f"a query's logits differ by {changed:.2g} of their spread {when}"
    if changed > _LIMIT and is_declared:
        return note(f"{told}, as it declares")
    if changed > _LIMIT:
        return fail(
            f"{told}; expected none. Take no statistics from queries (BatchNorm in training mode, attention "
            "among them), or declare `transductive = True`."
        )
    return PASS


def _demand(changed: float, message: str) -> Finding:
    return fail(message.format(f"{changed:.2g}")) if changed > _LIMIT else PASS


def _tell(changed: float, message: str) -> Finding:
    return note(message.format(f"{changed:.2g}")) if changed > _LIMIT else PASS


FIRST_CHECKS = (
    Check("build", find_build, is_needed=True),
    Check("output", find_output, is_needed=True),
)
ANSWER_CHECKS = (
    Check("other-ways-and-shots", find_other_ways_and_shots),
    Check("query-order", find_query_order),
    Check("query-company", find_query_company),
    Check("batch", find_batch),
    Check("state", find_state),
    Check("support-order", find_support_order),
    Check("class-order", find_class_order),
)
