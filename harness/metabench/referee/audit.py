"""The audit: does an answer depend on other queries, or on other episodes?

A fresh contestant gets a few of the same episodes in another order, and some of their queries alone.
What differs from the run beyond the noise floor was learned from company that a query must not have.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np

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
# Differences below the first are rounding on any machine; a noise floor above the second is not believed.
_ROUNDING: dict[Precision, float] = {"fp32": 1e-3, "bf16": 5e-2}
_TIMES_FLOOR = 10.0
# The median deviation of a normal distribution, in standard deviations.
_MEDIAN_DEVIATION = 0.6745


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


def threshold(floor: float, precision: Precision) -> float:
    """The largest difference that means nothing.

    Args:
        floor: The noise floor; one that is larger than rounding is not believed.
        precision: Of the arithmetic.
    """
    rounding = _ROUNDING[precision]
    return max(rounding, _TIMES_FLOOR * min(floor, rounding))


def difference(
    first: NDArray[np.float32], second: NDArray[np.float32], spread_of: NDArray[np.float32] | None = None
) -> float:
    """Largest difference between logits, relative to the spread of an episode's logits.

    The spread is by the median deviation, so that some huge logits, which decide nothing, cannot make all
    differences look small; a huge logit's own difference is relative to itself.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    reference = other if spread_of is None else spread_of.astype(np.float64)
    middle = np.median(reference)
    spread = np.median(np.abs(reference - middle)) / _MEDIAN_DEVIATION or np.std(reference)
    scale = np.maximum(spread, np.abs(other - middle))
    differences = np.abs(one - other)
    # Logits that are all the same have no spread: any difference from them is a whole one.
    relative = np.divide(differences, scale, out=(differences > 0).astype(np.float64), where=scale > 0)
    return float(relative.max())
