"""`python -m metabench.testing FD`: check what the referee names, in the process that runs it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from metabench.api.algorithm import Algorithm
from metabench.api.backbone import Backbone
from metabench.contestant.build import import_plugin
from metabench.contestant.failure import guarded
from metabench.spec.toy import parse_toy_protocol
from metabench.testing.conformance import address_of, default_backbones, run_checks
from metabench.testing.trial import Subject
from metabench.wire.channel import Channel, PeerGoneError
from metabench.wire.message import Message
from metabench.wire.reports import CheckOrder, hear, say

if TYPE_CHECKING:
    from collections.abc import Iterator

_LARGEST_ORDER = 1 << 20


def main(descriptor: int) -> None:
    """Take an order and tell of each check when it is done."""
    channel = Channel.from_descriptor(descriptor, max_bytes=_LARGEST_ORDER)
    try:
        order = hear(channel.receive(), CheckOrder)
        with guarded(channel):
            for subject in _subjects(order):
                for result in run_checks(subject, order.episodes):
                    channel.send(say("checked", result))
            channel.send(Message("done"))
    except PeerGoneError:
        return


def _subjects(order: CheckOrder) -> Iterator[Subject]:
    """The algorithm on each backbone.

    Raises:
        PluginError: One cannot be imported.
    """
    algorithm = import_plugin(order.algorithm, Algorithm)  # type: ignore[type-abstract]
    protocol = parse_toy_protocol(order.protocol)
    own = {one.__name__: address_of(one) for one in default_backbones(algorithm)}
    for name, address in (order.backbones or own).items():
        backbone = import_plugin(address, Backbone)  # type: ignore[type-abstract]
        yield Subject(name, algorithm, backbone, (order.algorithm, address), protocol)


if __name__ == "__main__":
    main(int(sys.argv[1]))
