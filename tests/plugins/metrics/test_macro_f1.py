"""Macro-F1, against counts written out query by query."""

import numpy as np
import pytest

from metabench_plugins.metrics.macro_f1 import macro_f1, metabench_metrics


def by_counting(picked: np.ndarray, labels: np.ndarray, n_way: int) -> float:
    """From precision and recall of each class, as textbooks have it."""
    f1 = []
    for one in range(n_way):
        hits = sum((picked == one) & (labels == one))
        if not (picked == one).any() and not (labels == one).any():
            continue
        precision = hits / sum(picked == one) if (picked == one).any() else 0.0
        recall = hits / sum(labels == one) if (labels == one).any() else 0.0
        f1.append(2 * precision * recall / (precision + recall) if hits else 0.0)
    return sum(f1) / len(f1)


@pytest.mark.parametrize("n_query", [4, 15, 75])
def test_agrees_with_precision_and_recall(n_query: int) -> None:
    rng = np.random.default_rng(n_query)
    logits, labels = rng.normal(size=(20, n_query, 5)), rng.integers(5, size=(20, n_query))
    logits[np.arange(20)[:, None], np.arange(n_query), labels] += 1

    found = macro_f1(logits.astype(np.float32), labels)

    by_hand = [by_counting(one.argmax(axis=-1), of, 5) for one, of in zip(logits, labels, strict=True)]
    assert found == pytest.approx(by_hand)


def test_a_rare_class_counts_as_much_as_a_frequent_one() -> None:
    """Nine right answers of a class, and the only one of the other wrong: F1 is 18/19 and 0."""
    logits, labels = np.array([[[1, 0]] * 10], np.float32), np.array([[0] * 9 + [1]])

    assert macro_f1(logits, labels) == pytest.approx([9 / 19])


def test_guessing_scores_chance() -> None:
    labels = np.repeat(np.arange(4), 3)[None]

    assert macro_f1(np.zeros((1, 12, 4), np.float32), labels) == pytest.approx([0.25])


def test_a_query_with_a_nan_is_missed_and_accuses_no_other_class() -> None:
    logits = np.array([[[1, 0], [np.nan, 1], [0, 1]]], np.float32)

    assert macro_f1(logits, np.array([[0, 0, 1]])) == pytest.approx([(2 / 3 + 1) / 2])
    assert macro_f1(logits[:, 1:2], np.array([[0]])).tolist() == [0.0]


def test_is_declared_as_the_metric_macro_f1() -> None:
    (metric,) = metabench_metrics()

    assert (metric.name, metric.score, metric.higher_is_better) == ("macro-f1", macro_f1, True)
