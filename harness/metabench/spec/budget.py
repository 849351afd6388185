"""What a run may spend."""

from __future__ import annotations

import re
from dataclasses import dataclass

from metabench.errors import UsageError, unknown_name

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|ep)?")
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
# Parts of a budget at which the default loop commits, besides its end; the anytime curve shows them.
COMMIT_FRACTIONS = (1 / 16, 1 / 8, 1 / 4, 1 / 2)

_EPISODE_CEILING_S = 10.0
_SHORTEST_CEILING_S = 600.0
_LARGEST = 10**9


@dataclass(frozen=True)
class Budget:
    """What a run may spend; exactly one of `seconds` and `episodes` is what ends meta-training.

    Attributes:
        name: As on the command line, e.g. "small", "5m", "2000ep".
        seconds: Seconds of meta-training on the referee's clock.
        episodes: Meta-training episodes; such a run is exactly reproducible.
        memory_mib: Memory of all the contestant's processes together, MiB.
        adaptation_s: Seconds that one meta_test episode may take.
        device_memory_mib: Memory of GPUs that all its processes may hold together, beside what the driver
            needs for itself, MiB; counts where a run has a GPU.
    """

    name: str
    seconds: float | None = None
    episodes: int | None = None
    memory_mib: int = 8192
    adaptation_s: float = 10.0
    device_memory_mib: int = 16384

    @property
    def ceiling_s(self) -> float:
        """Seconds after which meta-training is stopped, whatever the budget counts.

        A budget in episodes has a ceiling too (10 s an episode, at least 10 minutes), so that a
        contestant that hangs does not hold the machine for ever.
        """
        if self.seconds is not None:
            return self.seconds
        return max(_SHORTEST_CEILING_S, _EPISODE_CEILING_S * (self.episodes or 0))


NAMED_BUDGETS = {
    budget.name: budget
    for budget in (
        Budget("smoke", seconds=6.0, memory_mib=4096, adaptation_s=2.0, device_memory_mib=8192),
        Budget("small", seconds=60.0, memory_mib=8192, adaptation_s=5.0, device_memory_mib=16384),
        Budget("standard", seconds=600.0, memory_mib=16384, adaptation_s=10.0, device_memory_mib=24576),
        Budget("large", seconds=7200.0, memory_mib=32768, adaptation_s=30.0, device_memory_mib=81920),
    )
}


def parse_budget(text: str) -> Budget:
    """Read a budget: a name, or an amount such as "60s", "10m", "2h", "2000ep".

    Raises:
        UsageError: Neither a name nor an amount, or an amount of nothing.
    """
    if text in NAMED_BUDGETS:
        return NAMED_BUDGETS[text]
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise unknown_name("budget", text, [*NAMED_BUDGETS, "60s", "10m", "2h", "2000ep"])
    if match[2] is None:
        raise UsageError(
            f"Budget {text!r} has no unit; expected s, m, h or ep behind the number. Name e.g. {text}s."
        )
    return _amount(text, float(match[1]), match[2])


def _amount(text: str, number: float, unit: str) -> Budget:
    # Whole milliseconds, so that the name tells the amount exactly: it is part of a run's identity.
    amount = number if unit == "ep" else round(number * _SECONDS[unit], 3)
    if not 0 < amount <= _LARGEST or (unit == "ep" and not amount.is_integer()):
        raise UsageError(
            f"Budget {text!r} is no amount; expected at least a millisecond, or a whole number of episodes, "
            f"up to {_LARGEST}. Name e.g. 60s, 10m, 2000ep."
        )
    if unit == "ep":
        return Budget(f"{int(amount)}ep", episodes=int(amount))
    return Budget(f"{amount:.3f}".rstrip("0").rstrip(".") + "s", seconds=amount)
