"""The audit: does an answer depend on other queries, or on other episodes?

A fresh contestant gets a few of the same episodes in another order, and some of their queries alone.
What differs from the run beyond the noise floor was learned from company that a query must not have.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from metabench.referee.outcome import Findings

if TYPE_CHECKING:
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
# Between the quartiles of a normal distribution lie so many standard deviations.
_QUARTILES_OF_NORMAL = 1.349


def audit(
    examinee: Examinee, questions: Questions, logits: NDArray[np.float32], precision: Precision
) -> Findings:
    """Replay some episodes and compare.

    Args:
        examinee: A fresh contestant with the run's last weights and examples.
        questions: The run's questions.
        logits: The run's answers in canonical order, (n_episodes, n_query_total, n_way).
        precision: Of the arithmetic; gives the size of rounding.

    Raises:
        RunError: The contestant fails at what it is asked.
    """
    chosen = np.unique(np.linspace(len(logits) - 1, 0, N_EPISODES).astype(int))[::-1]
    shown = questions.conceal(logits)
    company = history = floor = 0.0
    for episode in chosen:
        support = questions.support[episode][None]
        labels = questions.support_labels[episode][None]
        query = questions.query[episode][None]
        whole = examinee.ask(support, labels, query)[0]
        history = max(history, _difference(whole, shown[episode]))
        for k in range(min(N_ALONE, query.shape[1])):
            one = query[:, k : k + 1]
            alone = examinee.ask(support, labels, one)[0]
            repeated = examinee.ask(support, labels, np.repeat(one, query.shape[1], axis=1))[0, :1]
            floor = max(floor, _difference(alone, repeated, spread_of=whole))
            company = max(company, _difference(alone, whole[k : k + 1], spread_of=whole))
    return Findings(
        verdict=judge(floor, company, history, precision),
        n_episodes=len(chosen),
        noise_floor=floor,
        from_company=company,
        from_history=history,
    )


def judge(floor: float, company: float, history: float, precision: Precision) -> Verdict:
    """Say what the differences mean.

    Args:
        floor: Between a query alone and the same query repeated.
        company: Between a query alone and among others.
        history: Between an episode in the run and in the replay.
        precision: Of the arithmetic.
    """
    rounding = _ROUNDING[precision]
    threshold = max(rounding, _TIMES_FLOOR * min(floor, rounding))
    if company > threshold:
        return "transductive"
    return "stateful" if history > threshold else "inductive"


def _difference(
    first: NDArray[np.float32], second: NDArray[np.float32], spread_of: NDArray[np.float32] | None = None
) -> float:
    """Largest difference between logits, relative to the spread of an episode's logits.

    The spread is that of the middle half, so that some huge logits, which decide nothing, cannot make all
    differences look small; a huge logit's own difference is relative to itself.
    """
    one, other = first.astype(np.float64), second.astype(np.float64)
    reference = other if spread_of is None else spread_of.astype(np.float64)
    low, middle, high = np.quantile(reference, [0.25, 0.5, 0.75])
    spread = (high - low) / _QUARTILES_OF_NORMAL or float(np.std(reference))
    scale = np.maximum(spread, np.abs(other - middle))
    differences = np.abs(one - other)
    # Logits that are all the same have no spread: any difference from them is a whole one.
    relative = np.divide(differences, scale, out=(differences > 0).astype(np.float64), where=scale > 0)
    return float(relative.max())
