"""Intervals for other classes: against dense algebra, and what simulated experiments cover."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from metabench.scoring.classes import Membership, classes_intervals
from metabench.scoring.interval import Interval, mean_interval

N_EXPERIMENTS = 2000
N_DRAWS = 10


def drawn(rng: np.random.Generator, n_classes: int, ways: list[int]) -> list[list[str]]:
    return [[f"class {one}" for one in rng.choice(n_classes, way, replace=False)] for way in ways]


def coverage(intervals: list[Interval], truth: float) -> float:
    return float(np.mean([one.low <= truth <= one.high for one in intervals]))


def simulated(n_classes: int, class_sd: float, *, ways: list[int]) -> tuple[float, float]:
    """How often the new interval and the classical one cover, where other classes are drawn each time."""
    rng = np.random.default_rng(0)
    ours, classical = [], []
    for _ in range(N_DRAWS):
        membership = Membership.of(drawn(rng, n_classes, ways))
        effects = rng.normal(0, class_sd, (membership.shares.shape[1], N_EXPERIMENTS // N_DRAWS))
        scores = (membership.shares @ effects).T
        scores += rng.normal(0.6, 0.08, scores.shape)
        ours += classes_intervals(scores, membership)
        classical += [mean_interval(one) for one in scores]
    return coverage(ours, 0.6), coverage(classical, 0.6)


@pytest.mark.parametrize(
    ("n_classes", "class_sd", "n_episodes"),
    [(10, 0.1, 600), (20, 0.1, 600), (20, 0.03, 600), (100, 0.1, 600), (400, 0.1, 600), (50, 0.1, 100)],
)
def test_where_classes_return_it_covers_the_truth_and_the_classical_one_does_not(
    n_classes: int, class_sd: float, n_episodes: int
) -> None:
    ours, classical = simulated(n_classes, class_sd, ways=[5] * n_episodes)

    assert 0.93 <= ours <= 0.97
    assert classical < 0.89


@pytest.mark.parametrize(("n_classes", "n_episodes"), [(100, 600), (400, 600), (200, 100)])
def test_where_classes_have_no_effect_both_cover_the_truth(n_classes: int, n_episodes: int) -> None:
    ours, classical = simulated(n_classes, 0.0, ways=[5] * n_episodes)

    assert 0.93 <= ours <= 0.97
    assert 0.93 <= classical <= 0.97


def test_where_ways_vary_it_covers_the_truth() -> None:
    ours, classical = simulated(60, 0.1, ways=[5, 12, 20, 30] * 75)

    assert 0.93 <= ours <= 0.97
    assert classical < 0.6


def test_accuracies_of_right_and_wrong_answers_are_covered() -> None:
    """No normal distribution anywhere: classes, what they do in an episode, and 15 queries of each."""
    rng = np.random.default_rng(1)
    found, classical = [], []
    for _ in range(N_DRAWS):
        members = np.stack([rng.choice(40, 5, replace=False) for _ in range(300)])
        membership = Membership.of([[str(one) for one in row] for row in members])
        hardness = rng.beta(7, 3, (100, 40))[:, members]
        scores = rng.binomial(15, rng.beta(4 * hardness, 4 * (1 - hardness))).mean(axis=2) / 15
        found += classes_intervals(scores, membership)
        classical += [mean_interval(one) for one in scores]

    assert 0.93 <= coverage(found, 0.7) <= 0.97
    assert coverage(classical, 0.7) < 0.7


def test_agrees_with_dense_algebra() -> None:
    rng = np.random.default_rng(0)
    classes = drawn(rng, 12, [3, 5, 4] * 20)
    names = sorted({name for names in classes for name in names})
    z = np.array([[(name in names_of) / len(names_of) for name in names] for names_of in classes])
    scores = 0.5 + z @ rng.normal(0, 0.1, 12) + rng.normal(0, 0.05, 60)

    centre = np.eye(60) - 1 / 60
    residuals = centre @ scores
    forms = [np.eye(60), z @ z.T]
    system = [[np.trace(centre @ form @ centre @ part) for part in (z @ z.T, np.eye(60))] for form in forms]
    of_class, of_rest = np.linalg.solve(system, [residuals @ form @ residuals for form in forms])
    variance = of_class * (z.mean(axis=0) ** 2).sum() + of_rest / 60

    (found,) = classes_intervals(scores[None], Membership.of(classes))
    assert found.mean == pytest.approx(scores.mean())
    half = (found.high - found.low) / 2
    eigenvalues = np.linalg.eigvalsh(centre @ z @ z.T @ centre)
    n_between = eigenvalues.sum() ** 2 / (eigenvalues**2).sum()
    weight = (z.mean(axis=0) ** 2).sum() * eigenvalues.sum() / (eigenvalues**2).sum()
    mean_square = of_rest + of_class * (eigenvalues**2).sum() / eigenvalues.sum()
    parts = [(weight * mean_square, n_between), ((weight - 1 / 60) * of_rest, 59 - n_between)]
    freedom = variance**2 / sum(part**2 / degrees for part, degrees in parts)
    assert half == pytest.approx(stats.t.ppf(0.975, freedom) * math.sqrt(variance), rel=1e-9)
    assert 3 < freedom < 11


def test_methods_are_judged_each_by_itself() -> None:
    rng = np.random.default_rng(0)
    membership = Membership.of(drawn(rng, 20, [5] * 50))
    scores = rng.normal(size=(3, 50))

    together = classes_intervals(scores, membership)

    for one, found in zip(scores, together, strict=True):
        (alone,) = classes_intervals(one[None], membership)
        assert (found.low, found.high) == pytest.approx((alone.low, alone.high), rel=1e-9)


def test_where_no_class_returns_it_is_the_classical_interval() -> None:
    scores = np.random.default_rng(0).uniform(size=40)
    classes = [[f"{episode}/{one}" for one in range(5)] for episode in range(40)]

    (found,) = classes_intervals(scores[None], Membership.of(classes))

    theirs = mean_interval(scores)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


def test_where_classes_show_no_effect_it_is_the_classical_interval() -> None:
    """Each class is in a good episode and in a bad one."""
    scores = np.tile([0.2, 0.8], 10)
    classes = [[str(episode // 2), str(10 + episode // 2)] for episode in range(20)]

    (found,) = classes_intervals(scores[None], Membership.of(classes))

    theirs = mean_interval(scores)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 30), st.floats(0, 3))
def test_it_is_never_narrower_than_the_classical_interval(
    seed: int, n_classes: int, n_episodes: int, class_sd: float
) -> None:
    rng = np.random.default_rng(seed)
    membership = Membership.of(drawn(rng, n_classes, rng.integers(1, n_classes + 1, n_episodes).tolist()))
    scores = membership.shares @ rng.normal(0, class_sd, membership.shares.shape[1])
    scores += rng.normal(0, 1, n_episodes)

    (found,) = classes_intervals(scores[None], membership)

    theirs = mean_interval(scores)
    assert found.high - found.low >= (theirs.high - theirs.low) * (1 - 1e-9)


@given(st.integers(0, 2**32 - 1), st.integers(3, 12), st.integers(2, 30), st.sampled_from([0.0, 0.1, 100.0]))
def test_it_is_never_wider_than_if_classes_were_all_that_matters_and_there_were_four(
    seed: int, n_classes: int, n_episodes: int, class_sd: float
) -> None:
    rng = np.random.default_rng(seed)
    membership = Membership.of(drawn(rng, n_classes, [2] * n_episodes))
    scores = membership.shares @ rng.normal(0, class_sd, membership.shares.shape[1])
    scores += rng.normal(0, 1, n_episodes)
    assume(membership.trace > 1e-6)

    (found,) = classes_intervals(scores[None], membership)

    z = membership.shares.toarray()
    class_variance = ((scores - scores.mean()) ** 2).sum() / ((z - z.mean(axis=0)) ** 2).sum()
    widest = stats.t.ppf(0.975, min(3, n_episodes - 1)) * math.sqrt(
        class_variance * (z.mean(axis=0) ** 2).sum()
    )
    assert (found.high - found.low) / 2 <= widest * (1 + 1e-9)


@pytest.mark.parametrize(("n_episodes", "n_way"), [(1, 5), (10, 5), (3, 1)])
def test_the_same_classes_in_all_episodes_say_nothing_of_others(n_episodes: int, n_way: int) -> None:
    scores = np.random.default_rng(0).uniform(size=(1, n_episodes))
    classes = [[str(one) for one in range(n_way)]] * n_episodes

    (found,) = classes_intervals(scores, Membership.of(classes))

    assert found == Interval(pytest.approx(scores.mean()), -math.inf, math.inf)


def test_equal_scores_have_an_interval_without_width() -> None:
    membership = Membership.of(drawn(np.random.default_rng(0), 20, [5] * 50))

    assert classes_intervals(np.full((1, 50), 0.5), membership) == [Interval(0.5, 0.5, 0.5)]


def test_scores_of_other_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 scores for 2 episodes; expected one for each"):
        classes_intervals(np.zeros((1, 3)), Membership.of([["a"], ["b"]]))


@pytest.mark.parametrize("classes", [[], [["a"], []]])
def test_episodes_without_classes_are_refused(classes: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="no classes; expected at least one episode, and classes in each"):
        Membership.of(classes)
