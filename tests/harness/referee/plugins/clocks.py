"""Contestants that do not look at the clock."""

from __future__ import annotations

import signal
import time

import torch
from honest import NearestMean

from metabench import clock


class Sleeps(NearestMean):
    def meta_train(self, session):
        time.sleep(3600)


class SleepsInPredict(NearestMean):
    def predict(self, episodes):
        time.sleep(3600)


class GoesOn(NearestMean):
    """Catches and ignores whatever can be caught or ignored."""

    def meta_train(self, session):
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        session.commit()
        while True:
            try:
                time.sleep(0.01)
                session.validate()
            except BaseException:
                continue


class StopsClocks(NearestMean):
    """Whatever the default loop could read the time from stands still."""

    def meta_train(self, session):
        for name in ("time", "monotonic", "perf_counter", "process_time"):
            setattr(time, name, lambda: 0.0)
        clock.read = lambda: 0.0
        torch.cuda.Event = None
        super().meta_train(session)
