"""Contestants that tamper with what is counted, or that cannot be counted."""

from __future__ import annotations

import os

import torch
from honest import NearestMean

from metabench.api import Session
from metabench.contestant import operations


class CountsForItself(NearestMean):
    """Computes for nothing, as it says, in a million steps."""

    def setup(self):
        operations.operations = lambda *_: 0.0

    def meta_train(self, session):
        optimiser = torch.optim.SGD(self.parameters(), lr=0.1)
        optimiser.step = session.counting_steps
        session._steps = 10**6
        super().meta_train(session)


class IsNotToBeRehearsed(NearestMean):
    def meta_train(self, session):
        if type(session) is not Session:
            os._exit(3)
        super().meta_train(session)
