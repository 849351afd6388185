"""Contestants that end in some way of their own."""

from __future__ import annotations

import contextlib
import os
import signal
import sys

from honest import NearestMean

from metabench.api import option
from metabench.api.session import BudgetSpentError


class RaisesInSetup(NearestMean):
    def setup(self):
        raise ValueError("no such layer")


class RaisesAfterCommit(NearestMean):
    def meta_train(self, session):
        session.commit()
        raise ValueError("a late bug")


class RaisesEscapes(NearestMean):
    def meta_train(self, session):
        sys.stderr.buffer.write(b"\x1b[2J\x1b]0;owned\x07 and \xff\n")
        sys.stderr.flush()
        raise ValueError("\x1b[31mred\x1b[0m \x07bell \u202ebackwards\r\nsecond line")


class Diverges(NearestMean):
    def loss(self, episodes):
        return super().loss(episodes) * float("nan")


class Ends(NearestMean):
    """Ends its process in training."""

    how: str = option("exit", "which way")

    def meta_train(self, session):
        if self.how == "sys.exit":
            sys.exit()
        if self.how.isdigit():
            os._exit(int(self.how))
        os.kill(os.getpid(), signal.Signals[self.how])


class HidesBomb(NearestMean):
    """Has a state that would run a command where it is unpickled."""

    def get_extra_state(self):
        return Bomb()

    def set_extra_state(self, state):
        pass


class Bomb:
    def __reduce__(self):
        return os.system, ("touch exploded",)


class WantsMore(NearestMean):
    """Does not take the end of its budget for an answer."""

    def meta_train(self, session):
        for _ in range(50):
            with contextlib.suppress(BudgetSpentError):
                session.episodes(1)
        session.commit()
