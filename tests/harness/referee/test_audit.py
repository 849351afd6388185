import numpy as np
import pytest

from metabench.referee.audit import audit, judge, spread


class Examinee:
    """Answers from numbers of examples, each of which has a fixed vector of features.

    Args:
        n_way: Logits per query.
        habit: What it does to the logits of a batch.
    """

    def __init__(self, n_way: int, habit) -> None:
        self.features = np.random.default_rng(1).normal(size=(1000, n_way)).astype(np.float32)
        self.habit = habit
        self.n_asked = 0

    def ask(self, support, support_labels, query, *, n_way):
        self.n_asked += 1
        logits = self.features[query] + self.features[support].mean(1, keepdims=True)
        return self.habit(logits, self.n_asked).astype(np.float32)


def honest(logits, n_asked):
    return logits


def centred(logits, n_asked):
    return logits - 0.1 * logits.mean(1, keepdims=True)


def hidden_by_outliers(logits, n_asked):
    centre = centred(logits, n_asked)
    return np.where(centre == centre.min(-1, keepdims=True), -1e30, centre)


def enormous(logits, n_asked):
    return 1e30 * centred(logits, n_asked)


def counting(logits, n_asked):
    # The run saw each episode as its first.
    return logits * np.linspace(1, 1 + n_asked // 13, logits.shape[-1])


def noisy(logits, n_asked):
    return logits + 1e-5 * np.random.default_rng(n_asked).normal(size=logits.shape)


def constant(logits, n_asked):
    return np.zeros_like(logits)


def verdict_on(questions, habit):
    n_way = questions.batches[0].n_way
    ran = Examinee(n_way, lambda logits, _: habit(logits, 0))
    shown = [
        ran.ask(batch.support, batch.support_labels, batch.query, n_way=n_way) for batch in questions.batches
    ]
    return audit(Examinee(n_way, habit), questions, shown, "fp32")


@pytest.mark.parametrize(
    ("habit", "verdict"),
    [
        (honest, "inductive"),
        (noisy, "inductive"),
        (constant, "inductive"),
        (centred, "transductive"),
        (hidden_by_outliers, "transductive"),
        (enormous, "transductive"),
        (counting, "stateful"),
    ],
)
def test_the_verdict_tells_what_answers_depend_on(questions, habit, verdict):
    findings = verdict_on(questions, habit)
    assert findings.verdict == verdict
    assert findings.n_episodes == 4


def test_what_is_found_is_relative_to_the_spread_of_logits(questions):
    small, large = (
        verdict_on(questions, lambda logits, n, size=size: size * centred(logits, n)) for size in (1e-3, 1e3)
    )
    assert small.from_company == pytest.approx(large.from_company, rel=1e-3)


@pytest.mark.parametrize(
    ("floor", "company", "history", "precision", "verdict"),
    [
        (0.0, 0.0, 0.0, "fp32", "inductive"),
        (0.0, 1e-3, 1e-3, "fp32", "inductive"),
        (0.0, 2e-3, 0.0, "fp32", "transductive"),
        (0.0, 0.0, 2e-3, "fp32", "stateful"),
        (0.0, 2e-3, 2e-3, "fp32", "transductive"),
        (5e-4, 4e-3, 4e-3, "fp32", "inductive"),
        (5e-4, 6e-3, 0.0, "fp32", "transductive"),
        (1.0, 0.02, 0.0, "fp32", "transductive"),
        (0.0, 0.04, 0.04, "bf16", "inductive"),
        (0.0, 0.06, 0.0, "bf16", "transductive"),
    ],
)
def test_differences_count_beyond_rounding_and_a_believable_noise_floor(
    floor, company, history, precision, verdict
):
    assert judge(floor, company, history, precision) == verdict


@pytest.mark.parametrize(
    ("n_episodes", "count", "numbers"),
    [(600, 4, [0, 199, 399, 599]), (3, 8, [0, 1, 2]), (1, 4, [0]), (5, 1, [4])],
)
def test_some_episodes_are_spread_from_the_first_to_the_last(n_episodes, count, numbers):
    assert spread(n_episodes, count) == numbers
