"""A contestant that does all that is allowed and nobody should do."""

from __future__ import annotations

import os
import signal
import sys

import torch
from honest import NearestMean


class MakesMuchNoise(NearestMean):
    """Prints megabytes, commits hundreds of times, takes every thread, sends its guard signals."""

    def meta_train(self, session):
        torch.set_num_threads(7)
        for stream in (sys.stdout.buffer, sys.stderr.buffer):
            for _ in range(64):
                stream.write(bytes(range(256)) * 256)
            stream.flush()
        for _ in range(500):
            session.commit()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGSTOP):
            os.kill(os.getppid(), number)
