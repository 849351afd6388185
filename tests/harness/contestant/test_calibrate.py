"""Standard work: the same everywhere, timed by the clock, as often as the referee asks."""

from functools import partial

import pytest
import torch

from metabench import clock
from metabench.contestant import calibrate as calibrate_module
from metabench.contestant.calibrate import calibrate, standard_work
from metabench.contestant.operations import OperationCounter
from metabench.results.calibration import REFERENCE_S
from metabench.wire.channel import PeerGoneError
from metabench.wire.message import Message
from metabench.wire.reports import Bench, Timings, hear, say

CPU = torch.device("cpu")


@pytest.fixture
def calibrating(channels, play):
    """The referee's end of a calibration, and the thread that it is played in."""
    order = say("calibrate", Bench(device="cpu", n_threads=1))
    ours, player = play(partial(calibrate, channels[1], order))
    assert player.hear(ours).kind == "ready"
    return ours, player


def test_each_piece_is_timed_whenever_it_is_asked_for(calibrating):
    ours, player = calibrating
    for _ in range(2):
        ours.send(Message("again"))
        timings = hear(player.hear(ours), Timings)
        assert list(timings.seconds) == list(REFERENCE_S)
        assert all(seconds > 0 for seconds in timings.seconds.values())


def test_it_ends_when_the_referee_hangs_up(calibrating):
    ours, player = calibrating
    ours.close()
    player.join(10)

    assert isinstance(player.raised, PeerGoneError)


def test_the_median_is_told_by_the_clock(monkeypatch):
    ticks = iter([7.0, 9.0, 3.0, 4.0, 2.0] + [1.0] * 99)
    time = [0.0]
    monkeypatch.setattr(clock, "read", lambda: time[0])
    monkeypatch.setattr(calibrate_module, "_N_TIMED", 3)

    def work():
        time[0] += next(ticks)

    # Two before, which do not count, then 3, 4 and 2.
    assert calibrate_module._time(work, CPU) == 3.0


def test_the_work_is_as_much_as_it_says():
    counted = {}
    for name, work in standard_work(CPU).items():
        with OperationCounter() as counter:
            work()
        counted[name] = counter.total
    layer = 2 * 80 * 14**2 * 32 * 32 * 9
    scores = 2 * 16 * 4 * 128**2
    step = 2 * 25 * (64 * 32 + 32 * 5)

    assert counted["convolution"] == 3 * layer
    assert counted["attention"] == (2 + 5) * scores * 32
    # Backward: both weights, and the hidden layer.
    assert counted["adaptation"] == 10 * (2 * step + 2 * 25 * 32 * 5)
    assert counted["gather"] == 0


def test_the_work_is_the_same_each_time():
    first, again = (standard_work(CPU)["gather"]() for _ in range(2))

    assert torch.equal(first, again)
