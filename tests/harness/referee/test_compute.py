"""What a run computes: averages over episodes and steps, and never more than a line where it fails."""

import numpy as np
import pytest

from metabench.data.dataset import Pool
from metabench.referee import compute as compute_module
from metabench.referee.compute import N_EPISODES, measure_compute, some_classes
from metabench.referee.outcome import RunError
from metabench.wire.reports import Counted


def counted(operations, *, steps=0, uncounted=()):
    return Counted(operations=operations, steps=steps, parameters=77, uncounted=uncounted)


class Examinee:
    """Counts what it is told to count.

    Args:
        trained: Of the rehearsal; an error is raised.
        episodes: Of the episodes, one after the other, likewise.
    """

    def __init__(self, trained, *episodes):
        self._trained, self._episodes = trained, list(episodes)
        self.asked, self.given = [], None

    def count(self, batch):
        self.asked.append(batch)
        return self._say(self._episodes.pop(0))

    def rehearse(self, arrays):
        self.given = arrays
        return self._say(self._trained)

    def _say(self, told):
        if isinstance(told, RunError):
            raise told
        return told


@pytest.fixture
def pool(dataset):
    return dataset.pools["meta_train"]


def test_operations_are_averages_over_episodes_and_over_steps(questions, pool):
    examinee = Examinee(
        counted(300.0, steps=4, uncounted=("aten.b", "aten.c")),
        *(counted(number, uncounted=("aten.b", "aten.a")) for number in (10.0, 20.0, 30.0, 60.0)),
    )

    found = measure_compute(examinee, questions, pool)

    assert (found.parameters, found.per_training_step, found.per_test_episode) == (77, 75.0, 30.0)
    assert found.uncounted == ("aten.a", "aten.b", "aten.c")
    assert found.problem == ""


def test_episodes_are_asked_one_by_one_from_the_first_to_the_last(questions, pool):
    examinee = Examinee(counted(1.0, steps=1), *[counted(1.0)] * N_EPISODES)
    measure_compute(examinee, questions, pool)

    assert [len(batch) for batch in examinee.asked] == [1] * N_EPISODES
    first, last = questions.batches[0], questions.batches[-1]
    assert np.array_equal(examinee.asked[0].query[0], first.query[0])
    assert np.array_equal(examinee.asked[-1].query[0], last.query[-1])


def test_a_method_that_makes_no_steps_has_no_number_for_them(questions, pool):
    found = measure_compute(Examinee(counted(5.0), *[counted(1.0)] * N_EPISODES), questions, pool)

    assert (found.per_training_step, found.per_test_episode, found.problem) == (None, 1.0, "")


FAILURE = RunError("crashed", "ends", "audit")


def test_a_rehearsal_that_fails_leaves_what_was_counted_before(questions, pool):
    found = measure_compute(Examinee(FAILURE, *[counted(1.0)] * N_EPISODES), questions, pool)

    assert (found.parameters, found.per_training_step, found.per_test_episode) == (77, None, 1.0)
    assert found.problem == "crashed: ends"


def test_where_nothing_could_be_counted_nothing_is_told(questions, pool):
    found = measure_compute(Examinee(None, FAILURE), questions, pool)

    assert (found.parameters, found.per_training_step, found.per_test_episode) == (None, None, None)
    assert found.problem == "crashed: ends"


# What a rehearsal gets of meta_train


def pool_of(*sizes):
    starts = np.cumsum([0, *sizes]).astype(np.int64)
    numbers = np.arange(starts[-1], dtype=np.int64)[:, None]
    return Pool(numbers, starts, tuple(map(str, sizes)))


def classes_of(arrays):
    return [one[:, 0].tolist() for one in np.split(arrays["examples"], arrays["starts"][1:-1])]


def test_a_small_dataset_is_given_whole():
    assert classes_of(some_classes(pool_of(2, 3, 1))) == [[0, 1], [2, 3, 4], [5]]


def test_of_a_large_dataset_the_first_examples_of_each_class_are_given(monkeypatch):
    monkeypatch.setattr(compute_module, "_MOST_BYTES", 8 * 6)
    monkeypatch.setattr(compute_module, "_FEWEST_EACH", 2)
    assert classes_of(some_classes(pool_of(4, 5, 1))) == [[0, 1], [4, 5], [9]]


def test_of_many_classes_as_many_are_given_as_fit_with_enough_examples(monkeypatch):
    monkeypatch.setattr(compute_module, "_MOST_BYTES", 8 * 7)
    monkeypatch.setattr(compute_module, "_FEWEST_EACH", 3)
    assert classes_of(some_classes(pool_of(4, 5, 9, 9))) == [[0, 1, 2], [4, 5, 6]]


def test_nothing_of_other_splits_is_given(questions, dataset):
    examinee = Examinee(counted(1.0, steps=1), *[counted(1.0)] * N_EPISODES)
    measure_compute(examinee, questions, dataset.pools["meta_train"])

    assert set(examinee.given) == {"examples", "starts"}
    assert np.array_equal(examinee.given["examples"], dataset.pools["meta_train"].numbers)
