"""The audit: does an answer depend on other queries, or on other episodes?

A fresh contestant gets a few of the same episodes in another order, and some of their queries alone.
What differs from the run beyond the noise floor was learned from company that a query must not have.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from metabench.agreement import difference, threshold
from metabench.referee.outcome import Findings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metabench.referee.disguise import Questions
    from metabench.referee.outcome import Verdict
    from metabench.referee.testing import Examinee
    from metabench.spec.plan import Precision

N_EPISODES = 4
N_ALONE = 6


def audit(
    examinee: Examinee, questions: Questions, answers: Sequence[NDArray[np.float32]], precision: Precision
) -> Findings:
    """Replay some episodes and compare.

    Args:
        examinee: A fresh contestant with the run's last weights and examples.
        questions: The run's questions.
        answers: The run's answers to each batch as the contestant gave them,
            (n_episodes, n_query_total, n_way).
        precision: Of the arithmetic; gives the size of rounding.

    Raises:
        RunError: The contestant fails at what it is asked.
    """
    places = [(batch, index) for batch, one in enumerate(questions.batches) for index in range(len(one))]
    chosen = spread(len(places), N_EPISODES)[::-1]
    company = history = floor = 0.0
    for place in chosen:
        batch, index = places[place]
        episode = questions.batches[batch]
        support, labels, query = (
            part[index][None] for part in (episode.support, episode.support_labels, episode.query)
        )
        ask = partial(examinee.ask, support, labels, n_way=episode.n_way)
        whole = ask(query)[0]
        history = max(history, difference(whole, answers[batch][index]))
        for k in range(min(N_ALONE, query.shape[1])):
            one = query[:, k : k + 1]
            alone = ask(one)[0]
            repeated = ask(np.repeat(one, query.shape[1], axis=1))[0, :1]
            floor = max(floor, difference(alone, repeated, spread_of=whole))
            company = max(company, difference(alone, whole[k : k + 1], spread_of=whole))
    return Findings(
        verdict=judge(floor, company, history, precision),
        n_episodes=len(chosen),
        noise_floor=floor,
        from_company=company,
        from_history=history,
    )


def spread(n_episodes: int, count: int) -> list[int]:
    """The numbers of at most `count` episodes from the first to the last, evenly spread."""
    return [int(one) for one in np.unique(np.linspace(n_episodes - 1, 0, count).astype(int))]


def judge(floor: float, company: float, history: float, precision: Precision) -> Verdict:
    """Say what the differences mean.

    Args:
        floor: Between a query alone and the same query repeated.
        company: Between a query alone and among others.
        history: Between an episode in the run and in the replay.
        precision: Of the arithmetic.
    """
    limit = threshold(floor, precision)
    if company > limit:
        return "transductive"
    return "stateful" if history > limit else "inductive"
