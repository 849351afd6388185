"""Two results side by side: numbers against an independent computation, and what cannot be compared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from metabench.errors import UsageError
from metabench.leaderboards.compare import ClassDifference, most_different, pair_results
from metabench.results.files import ResultError, contents_of, read_record
from metabench.results.folder import Stored, write_result
from metabench.results.outcomes import Outcomes
from metabench.results.predictions import Predictions
from metabench.scoring.metric import Metric

N_EPISODES = 30
CLASSES = tuple(("ant", ("bee", "cat", "dog")[one % 3]) for one in range(N_EPISODES))


def first_logit(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return logits[:, 0, 0].astype(np.float64)


METRICS = {
    "accuracy": Metric("accuracy", "accuracy", first_logit),
    "loss": Metric("loss", "loss", first_logit, higher_is_better=False, as_percent=False),
}


@pytest.fixture
def store(tmp_path: Path, make_record) -> Callable[..., Stored]:
    """Stores a result with the outcomes that are given."""

    def write(outcomes: Outcomes | None, predictions: Predictions | None = None, **changes: Any) -> Stored:
        benchmark = {"n_episodes": N_EPISODES} | changes.pop("benchmark", {})
        record = make_record(benchmark=benchmark, **changes)
        folder = write_result(tmp_path, record, contents_of(predictions, outcomes=outcomes))
        return Stored(folder, read_record(folder))

    return write


def outcomes(seed: int, shift: float = 0.0, **changes: Any) -> Outcomes:
    rng = np.random.default_rng(seed)
    told = {
        "scores": {"accuracy": rng.random(N_EPISODES) + shift, "loss": rng.random(N_EPISODES)},
        "guessing": np.full(N_EPISODES, 0.5),
        "classes": CLASSES,
        "class_scores": tuple(rng.random((N_EPISODES, 2))),
    }
    return Outcomes(**(told | changes))


def test_differences_are_those_of_a_paired_t_test(store) -> None:
    one, other = outcomes(1, 0.2), outcomes(2)

    paired = pair_results(store(one, algorithm="a"), store(other, algorithm="b"), METRICS)

    assert [told.metric.name for told in paired.metrics] == ["accuracy", "loss"]
    for told in paired.metrics:
        first, second = one.scores[told.metric.name], other.scores[told.metric.name]
        expected = stats.ttest_rel(first, second)
        interval = expected.confidence_interval(0.95)
        assert (told.first, told.second) == (first.mean(), second.mean())
        assert told.paired.p_value == pytest.approx(expected.pvalue, rel=1e-9)
        assert (told.paired.difference.low, told.paired.difference.high) == pytest.approx(interval)
    np.testing.assert_array_equal(paired.differences, one.scores["accuracy"] - other.scores["accuracy"])


def test_wins_ties_and_losses_go_by_which_way_a_metric_points(store) -> None:
    scores = np.linspace(0.1, 0.9, N_EPISODES)
    other = scores.copy()
    other[:4] -= 0.05
    other[4:5] += 0.05
    other[5] *= 1 + 1e-12
    told = [outcomes(1, scores={"accuracy": each, "loss": each}) for each in (scores, other)]

    paired = pair_results(store(told[0], algorithm="a"), store(told[1], algorithm="b"), METRICS)

    counts = [(one.wins, one.ties, one.losses) for one in paired.metrics]
    assert counts == [(4, 25, 1), (1, 25, 4)]


def test_classes_are_told_by_how_far_the_first_is_ahead(store) -> None:
    one, other = outcomes(1), outcomes(2)

    paired = pair_results(store(one, algorithm="a"), store(other, algorithm="b"), METRICS)

    expected = {}
    for name in ("ant", "bee", "cat", "dog"):
        places = [(e, c) for e, names in enumerate(CLASSES) for c, each in enumerate(names) if each == name]
        means = [np.mean([told.class_scores[e][c] for e, c in places]) for told in (one, other)]
        expected[name] = (len(places), *means)
    found = {told.name: (told.n_episodes, told.first, told.second) for told in paired.classes}
    assert found.keys() == expected.keys()
    for name, told in found.items():
        assert told == pytest.approx(expected[name])
    differences = [told.difference for told in paired.classes]
    assert differences == sorted(differences, reverse=True)
    assert found["ant"][0] == N_EPISODES


def test_the_other_way_round_all_signs_are_others(store) -> None:
    first, second = store(outcomes(1), algorithm="a"), store(outcomes(2), algorithm="b")
    paired, turned = pair_results(first, second, METRICS), pair_results(second, first, METRICS)

    assert turned.names == paired.names[::-1]
    assert [(one.losses, one.wins) for one in turned.metrics] == [
        (one.wins, one.losses) for one in paired.metrics
    ]
    assert [one.name for one in turned.classes] == [one.name for one in paired.classes][::-1]


def test_results_of_old_are_compared_by_their_predictions(store) -> None:
    rng = np.random.default_rng(0)
    logits = rng.random((2, N_EPISODES, 6, 2)).astype(np.float32)
    told = [Predictions(tuple(one), (np.zeros(6, np.int64),) * N_EPISODES) for one in logits]

    paired = pair_results(store(None, told[0], algorithm="a"), store(None, told[1], algorithm="b"), METRICS)

    expected = logits[0, :, 0, 0].astype(np.float64) - logits[1, :, 0, 0]
    np.testing.assert_array_equal(paired.differences, expected)
    assert paired.classes == ()


def test_a_metric_of_one_result_alone_is_not_compared(store) -> None:
    one, other = outcomes(1), outcomes(2)
    other = Outcomes({"accuracy": other.scores["accuracy"]}, other.guessing)

    paired = pair_results(store(one, algorithm="a"), store(other, algorithm="b"), METRICS)

    assert [told.metric.name for told in paired.metrics] == ["accuracy"]


def test_namesakes_are_told_apart(store, make_plugin) -> None:
    plugins = [make_plugin("maml", {"inner_lr": rate, "steps": 5}) for rate in (0.1, 0.4)]
    told = [store(outcomes(seed), algorithm=one, seed=seed) for seed, one in enumerate(plugins)]

    assert pair_results(*told, METRICS).names == (
        "maml (inner_lr=0.1), conv4, seed 0",
        "maml (inner_lr=0.4), conv4, seed 1",
    )


# What is not the same


def test_what_was_not_equal_is_told(store) -> None:
    changes = {
        "budget": {"name": "1h", "seconds": 3600.0},
        "environment": {"device_class": "cpu-4"},
        "pretraining": "imagenet",
        "verdict": "transductive",
    }

    paired = pair_results(store(outcomes(1)), store(outcomes(2), **changes), METRICS)

    assert paired.unequal == (
        "audit is 'inductive' and 'transductive'",
        "budget.seconds is 300.0 and 3600.0",
        "device_class is 'cpu-2' and 'cpu-4'",
        "pretraining is 'none' and 'imagenet'",
    )


def test_a_budget_and_a_benchmark_of_another_name_are_the_same(store) -> None:
    other = store(outcomes(2), seed=1, budget={"name": "5m"}, benchmark={"name": "my-toy"})

    assert pair_results(store(outcomes(1)), other, METRICS).unequal == ()


def test_other_benchmarks_are_refused_with_all_that_differs(store, make_record) -> None:
    dataset = make_record().benchmark.dataset.model_copy(update={"content_hash": "f" * 64})
    changes = {
        "name": "toy-3w1s",
        "dataset": dataset,
        "source": dataset,
        "parameters": {"n_way": 3, "n_shot": 1, "n_query": 3},
        "manifest_hash": "e" * 64,
    }

    with pytest.raises(UsageError) as raised:
        pair_results(store(outcomes(1)), store(outcomes(2), benchmark=changes), METRICS)

    content, manifest = (make_record().benchmark.model_dump()[one] for one in ("dataset", "manifest_hash"))
    assert str(raised.value) == (
        "Results of 'toy-2w1s' and 'toy-3w1s' are not of one benchmark: "
        f"dataset.content_hash is '{content['content_hash'][:16]}' and '{'f' * 16}'; "
        f"manifest_hash is '{manifest[:16]}' and '{'e' * 16}'; parameters.n_way is 2 and 3; "
        "source is None and 'toy'; expected the same episodes. Choose two results of one table."
    )


def test_a_metric_that_is_not_here_cannot_rank(store) -> None:
    told = store(outcomes(1)), store(outcomes(2), seed=1)

    with pytest.raises(UsageError, match=r"^Metric 'accuracy' is unknown here\. Install"):
        pair_results(*told, {"loss": METRICS["loss"]})


def test_a_result_without_outcomes_is_refused(store) -> None:
    with pytest.raises(ResultError, match=r"has no predictions; its status is 'crashed'"):
        pair_results(store(outcomes(1)), store(None, status="crashed", seed=1), METRICS)


def test_fewer_episodes_are_refused(store) -> None:
    short = Outcomes({"accuracy": np.zeros(20)}, np.zeros(20))

    with pytest.raises(ResultError, match="outcomes of 30 episodes, the other of 20; expected the same"):
        pair_results(store(outcomes(1)), store(short, seed=1), METRICS)


def test_other_classes_are_refused(store) -> None:
    other = outcomes(2, classes=tuple(one[::-1] for one in CLASSES))

    with pytest.raises(ResultError, match="name other classes for the same episodes"):
        pair_results(store(outcomes(1)), store(other, seed=1), METRICS)


@pytest.mark.parametrize(
    ("n_classes", "ahead", "behind"), [(0, [], []), (4, [0, 1, 2, 3], []), (7, [0, 1], [5, 6])]
)
def test_the_most_different_are_those_at_both_ends(n_classes: int, ahead: list, behind: list) -> None:
    classes = [ClassDifference(str(one), 1, 1.0 - one, 0.0) for one in range(n_classes)]

    found = most_different(classes, 2)
    assert [[int(one.name) for one in part] for part in found] == [ahead, behind]
