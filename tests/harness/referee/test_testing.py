from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from safetensors.numpy import save

from metabench.referee import process as process_module
from metabench.referee.outcome import RunError
from metabench.referee.testing import Examinee
from metabench.spec.budget import Budget

SHAPES = [(20, 9, 3), (4, 9, 3)]


def weights(**more) -> np.ndarray:
    rng = np.random.default_rng(0)
    layer = {
        "backbone.layer.weight": rng.normal(size=(8, 64)).astype(np.float32),
        "backbone.layer.bias": np.zeros(8, np.float32),
    }
    return np.frombuffer(save(layer | more), np.uint8)


@pytest.fixture(scope="module")
def examine(entry, match) -> Iterator[Callable[..., Examinee]]:
    """Starts a contestant in the test role."""
    started = []

    def start(algorithm: str, adaptation_s: float = 10.0) -> Examinee:
        one = match(entry(algorithm))
        process = one.contestant("test").__enter__()
        started.append(process)
        budget = replace(Budget("1s", seconds=1.0), adaptation_s=adaptation_s)
        examinee = Examinee(process, one.assignment, budget)
        examinee.stage(one.test_examples, embed_once=False)
        return examinee

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="module")
def giver(examine) -> Examinee:
    """A contestant that gives what the state it is given tells."""
    return examine("outputs:Gives")


@pytest.mark.parametrize("what", [0, 5, 6, 7], ids=["float32", "float64", "whole numbers", "a view"])
def test_logits_of_any_type_and_layout_are_taken(giver, questions, what):
    giver.load(weights(what=np.array(what)))
    counts = []
    answers = giver.answer(questions, counts.append)
    assert [logits.shape for logits in answers] == SHAPES
    assert {logits.dtype for logits in answers} == {np.dtype(np.float32)}
    assert counts == [20, 24]
    giver.load(weights(what=np.array(0)))
    for logits, expected in zip(answers, giver.answer(questions), strict=True):
        assert np.allclose(logits, np.trunc(expected) if what == 6 else expected)


@pytest.mark.parametrize(
    ("what", "told"),
    [
        (1, "540 predictions of 540 that are not finite"),
        (2, "540 predictions of 540 that are not finite"),
        (3, r"shape \(20, 9, 4\); expected \(20, 9, 3\)"),
        (4, r"shape \(9, 3\); expected \(20, 9, 3\)"),
    ],
    ids=["NaN", "infinity", "a class too many", "one episode"],
)
def test_logits_that_cannot_be_scored_are_invalid(giver, questions, what, told):
    giver.load(weights(what=np.array(what)))
    with pytest.raises(RunError, match=told) as caught:
        giver.answer(questions)
    assert (caught.value.status, caught.value.phase) == ("invalid_output", "test")


def test_an_answer_that_is_no_tensor_is_invalid(examine, questions):
    giver = examine("outputs:Gives")
    giver.load(weights(what=np.array(8)))
    with pytest.raises(RunError, match="gives a list") as caught:
        giver.answer(questions)
    assert caught.value.status == "invalid_output"


def test_a_commit_that_is_no_state_is_invalid(examine):
    pickled = np.frombuffer(b"cos\nsystem\n(S'true'\ntR.", np.uint8)
    with pytest.raises(RunError, match="weights that cannot be read") as caught:
        examine("honest:NearestMean").load(pickled)
    assert caught.value.status == "invalid_output"


def test_an_episode_may_take_so_long_and_no_longer(examine, questions):
    examinee = examine("clocks:SleepsInPredict", adaptation_s=0.05)
    with pytest.raises(RunError, match=r"answering 20 episodes takes more than 1 s") as caught:
        examinee.answer(questions)
    assert caught.value.status == "timeout"


def test_whoever_floods_a_referee_that_it_does_not_read_is_stopped(examine, questions, monkeypatch):
    monkeypatch.setattr(process_module, "_LAST_WORDS_S", 1.0)
    examinee = examine("channels:StopsReading")
    assert examinee.answer(questions.first(20))[0].shape == SHAPES[0]
    # Which of the two the referee meets first is the machine's choice.
    with pytest.raises(RunError, match=r"closes its connection and goes on|ended without a word") as caught:
        examinee.answer(questions)
    assert caught.value.status in ("protocol_violation", "crashed")
