"""What the README tells is true: its example runs, its table is that of the program."""

from __future__ import annotations

import re
from pathlib import Path

from metabench.spec.budget import NAMED_BUDGETS

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
_UNITS = {"s": 1, "h": 3600}


def test_the_table_of_budgets_is_that_of_the_program():
    row = r"^\| `(\w+)` \| (\d+) (s|h) \| (\d+) GiB \| (\d+) GiB \| (\d+) s \|$"
    rows = re.findall(row, README, re.MULTILINE)
    told = {
        name: (int(amount) * _UNITS[unit], int(gib) * 1024, int(on_gpus) * 1024, int(adaptation))
        for name, amount, unit, gib, on_gpus, adaptation in rows
    }
    assert told == {
        budget.name: (budget.seconds, budget.memory_mib, budget.device_memory_mib, budget.adaptation_s)
        for budget in NAMED_BUDGETS.values()
    }
