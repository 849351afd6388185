"""Expected calibration error, against bins filled query by query."""

import numpy as np
import pytest

from metabench.scoring.pooled import pooled_interval, sum_episodes
from metabench_plugins.metrics.calibration_error import expected_error, gaps, metabench_pooled_metrics

(METRIC,) = metabench_pooled_metrics()


def of_confidence(confidence: np.ndarray) -> np.ndarray:
    """Logits of two classes, the first of which has this probability."""
    return np.stack([np.log(confidence), np.log1p(-confidence)], axis=-1).astype(np.float32)


def pooled(logits: np.ndarray, labels: np.ndarray) -> float:
    return float(expected_error(gaps(logits, labels).sum(axis=0)))


def by_binning(logits: np.ndarray, labels: np.ndarray) -> float:
    """Guo et al. 2017, eq. 2 and 3, one bin after the other."""
    logits, labels = logits.reshape(-1, logits.shape[-1]).astype(float), labels.reshape(-1)
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    confidence, hits = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    error = 0.0
    for m in range(15):
        members = (confidence > m / 15) & (confidence <= (m + 1) / 15)
        if members.any():
            error += members.sum() / len(labels) * abs(hits[members].mean() - confidence[members].mean())
    return error


@pytest.mark.parametrize("scale", [0.2, 1.0, 5.0])
def test_agrees_with_the_definition(scale: float) -> None:
    rng = np.random.default_rng(0)
    logits, labels = (scale * rng.normal(size=(30, 20, 5))).astype(np.float32), rng.integers(5, size=(30, 20))

    assert pooled(logits, labels) == pytest.approx(by_binning(logits, labels), rel=1e-6)


def test_who_is_right_as_often_as_confident_is_calibrated() -> None:
    """Three of four right at 75 %."""
    logits = of_confidence(np.full((1, 4), 0.75))

    assert pooled(logits, np.array([[0, 0, 0, 1]])) == pytest.approx(0.0, abs=1e-6)
    assert pooled(logits, np.array([[1, 1, 1, 1]])) == pytest.approx(0.75, abs=1e-6)


def test_it_is_that_of_all_queries_and_not_a_mean_of_episodes() -> None:
    """In one episode all are right, in the other none: together as often as confident."""
    logits = of_confidence(np.full((2, 10), 0.5 + 1e-3))
    labels = np.repeat([[0], [1]], 10, axis=1)

    assert pooled(logits, labels) == pytest.approx(1e-3, rel=1e-2)
    assert pooled(logits[:1], labels[:1]) == pytest.approx(0.5, abs=2e-3)


def test_guessing_without_confidence_is_calibrated() -> None:
    labels = np.repeat(np.arange(4), 5)[None]

    assert pooled(np.zeros((1, 20, 4), np.float32), labels) == pytest.approx(0.0, abs=1e-9)


def test_a_confidence_at_the_edge_of_two_bins_stands_in_the_lower_one() -> None:
    """Fifteen classes share all of it, so that it is 1/15; the right one has none."""
    logits = np.array([[[0.0] * 15 + [-np.inf]]], np.float32)

    (found,) = gaps(logits, np.array([[15]]))

    assert found.tolist() == pytest.approx([-1 / 15] + [0.0] * 14 + [1.0])


def test_certainty_and_no_number_at_all_stand_in_the_last_bin() -> None:
    logits = np.array([[[np.inf, 0], [np.nan, 0]]], np.float32)

    (found,) = gaps(logits, np.array([[0, 0]]))

    assert found.tolist() == [0.0] * 14 + [-1.0, 2.0]


def test_a_run_has_it_with_an_interval() -> None:
    rng = np.random.default_rng(0)
    logits = [rng.normal(size=(n_query, 5)).astype(np.float32) for n_query in (25, 50, 75)]
    labels = [rng.integers(5, size=len(one)) for one in logits]

    found = pooled_interval(METRIC, sum_episodes(METRIC, logits, labels))

    assert found.mean == pytest.approx(by_binning(np.concatenate(logits), np.concatenate(labels)), rel=1e-6)
    assert found.low < found.mean < found.high


def test_is_declared_as_a_pooled_metric_of_which_less_is_better() -> None:
    assert (METRIC.name, METRIC.higher_is_better, METRIC.as_percent) == ("calibration-error", False, True)
