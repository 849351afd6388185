"""`python -m metabench.contestant FD`: take a role from the referee and play it to the end."""

from __future__ import annotations

import ctypes
import sys

from metabench.contestant.calibrate import calibrate
from metabench.contestant.describe import describe
from metabench.contestant.failure import guarded
from metabench.contestant.test import test
from metabench.contestant.train import train
from metabench.wire.channel import Channel, PeerGoneError
from metabench.wire.reports import Assignment, hear

_PR_SET_DUMPABLE = 4
# What comes from the referee is trusted; it may be as large as a dataset.
_ANY_SIZE = 1 << 62


def main(descriptor: int) -> None:
    """Play the role that the first message gives."""
    channel = Channel.from_descriptor(descriptor, max_bytes=_ANY_SIZE)
    try:
        message = channel.receive()
        if message.kind == "describe":
            _keep_to_itself()
            describe(channel, message)
            return
        if message.kind == "calibrate":
            calibrate(channel, message)
        assignment = hear(message, Assignment)
        with guarded(channel):
            if assignment.role == "train":
                train(channel, assignment, message.arrays)
            else:
                test(channel, assignment)
    except PeerGoneError:
        return


def _keep_to_itself() -> None:
    """Let no other process, forks of this one included, read its memory or take its descriptors (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)


if __name__ == "__main__":
    main(int(sys.argv[1]))
