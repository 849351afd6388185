import numpy as np
import pytest

from metabench_plugins.metrics.chance_normalised import chance_normalised, metabench_metrics


@pytest.mark.parametrize("n_way", [2, 5, 20])
def test_guessing_scores_nothing_and_no_mistake_scores_one(n_way):
    labels = np.arange(n_way)[None]
    right = np.eye(n_way, dtype=np.float32)[None]
    assert chance_normalised(right, labels) == pytest.approx([1.0])
    assert chance_normalised(np.zeros_like(right), labels) == pytest.approx([0.0])


def test_half_right_of_two_classes_is_chance():
    logits = np.array([[[1, 0], [1, 0]]], np.float32)
    assert chance_normalised(logits, np.array([[0, 1]])) == pytest.approx([0.0])
    assert chance_normalised(logits, np.array([[1, 1]])) == pytest.approx([-1.0])


@pytest.mark.parametrize("n_way", [2, 5, 20])
def test_all_wrong_is_as_low_as_it_declares_and_reaches_that_of_two_classes(n_way):
    (metric,) = metabench_metrics()
    wrong = np.roll(np.eye(n_way, dtype=np.float32), 1, axis=0)[None]

    scores = chance_normalised(wrong, np.arange(n_way)[None])

    assert scores == pytest.approx([-1 / (n_way - 1)])
    assert metric.impossible(scores) is None
    assert (metric.lowest, metric.highest) == (-1.0, 1.0)
    assert metric.impossible(np.array([-1e300])) is not None
