import numpy as np
import pytest

from metabench_plugins.metrics.chance_normalised import chance_normalised


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
