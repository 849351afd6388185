"""Contestants that do not look at the clock."""

from __future__ import annotations

import signal
import time

from honest import NearestMean


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
