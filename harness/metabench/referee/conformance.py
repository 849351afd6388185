"""The conformance kit, run where a plugin runs: in a contestant's process, which tells what it finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from metabench.referee.enclosure import Enclosure
from metabench.referee.limits import Limits
from metabench.referee.outcome import RunError
from metabench.referee.process import ContestantProcess
from metabench.referee.run import address_of
from metabench.wire.message import WireError
from metabench.wire.reports import Checked, CheckOrder, hear, say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from metabench.spec.plan import Entrant

_PROGRAM = "metabench.testing"
_LIMITS = Limits(memory_mib=8192, n_threads=1, seed=0)
# For one check, which may be a slow method that learns on a large backbone while the machine is busy.
_PATIENCE_S = 1800.0
_MOST_RESULTS = 10_000


@dataclass(frozen=True)
class Examination:
    """What is checked.

    Attributes:
        algorithm: With its options.
        backbones: What it is checked on; the kit's own if there are none.
        protocol: Ways and shots that it is built for, e.g. "5w1s".
        episodes: Meta-training episodes within which it must learn a toy problem.
        hidden: Data and results, which it must not see.
    """

    algorithm: Entrant
    backbones: tuple[Entrant, ...]
    protocol: str
    episodes: int
    hidden: tuple[Path, ...] = ()

    @property
    def order(self) -> CheckOrder:
        """What the contestant is told."""
        return CheckOrder(
            algorithm=address_of(self.algorithm),
            backbones={one.plugin.name: address_of(one) for one in self.backbones},
            protocol=self.protocol,
            episodes=self.episodes,
        )

    @property
    def enclosure(self) -> Enclosure:
        """What it has of this machine."""
        return Enclosure(tuple(one.plugin for one in (self.algorithm, *self.backbones)), self.hidden)


def examine(examination: Examination) -> Iterator[Checked]:
    """Have an algorithm checked; whatever ends its process is a failure like others."""
    last = ""
    try:
        with ContestantProcess(_LIMITS, "start", examination.enclosure, program=_PROGRAM) as process:
            process.send(say("check", examination.order), within_s=_LIMITS.startup_s)
            for result in _results(process):
                yield result
                last = f" (the last check before was {result.check!r})"
    except RunError as error:
        yield Checked(check="process", backbone="", status="fail", message=f"{error.message}{last}"[:2000])


def _results(process: ContestantProcess) -> Iterator[Checked]:
    """What the contestant tells until it is done.

    Raises:
        RunError: It fails, is gone, or says something else.
    """
    for _ in range(_MOST_RESULTS):
        try:
            message = process.receive(within_s=_PATIENCE_S)
            if message.kind == "done":
                return
            yield hear(message, Checked)
        except TimeoutError as error:
            raise process.failed("timeout", f"a check takes more than {_PATIENCE_S:g} s") from error
        except WireError as error:
            raise process.failed("protocol_violation", f"sends {error}") from error
    raise process.failed("protocol_violation", f"sends more than {_MOST_RESULTS} results")
