"""How long the commands of leaderboards take with many results, and how large what they write is.

    python tests/bench/leaderboards.py [--results 10000]

Each command runs in a process of its own. Exits with 1 where one takes more than it may. On a busy machine
they take longer, but hardly more of the processor.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from made_results import write_results
from tabulate import tabulate

_PLOT = re.compile(rb"<svg.*?</svg>", re.DOTALL)


@dataclass(frozen=True)
class Measured:
    """An amount, and the most that it may be; None: it is told, and may be anything."""

    what: str
    amount: float
    unit: str
    bound: float | None = None

    @property
    def holds(self) -> bool:
        return self.bound is None or self.amount <= self.bound


@dataclass(frozen=True)
class Commands:
    """Commands on a folder of results, each in a process of its own, in one home that is empty at first."""

    folder: Path

    def took(
        self, name: str, *, again: str = "", bound_s: float | None = None, bound_mib: float | None = None
    ) -> list[Measured]:
        command = [sys.executable, "-m", "metabench.cli", "leaderboard", name]
        environment = os.environ | {"METABENCH_HOME": str(self.folder / "home")}
        begun = time.perf_counter()
        with subprocess.Popen(command, cwd=self.folder, env=environment, stdout=subprocess.DEVNULL) as run:
            _, status, used = os.wait4(run.pid, 0)
            run.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begun
        if run.returncode:
            sys.exit(f"`leaderboard {name}` ended with {run.returncode}.")
        told = f"{name}{again}"
        return [
            Measured(told, seconds, "s", bound_s),
            Measured(f"{told}, on all cores", used.ru_utime + used.ru_stime, "s"),
            Measured(f"{told}, memory", used.ru_maxrss / 1024, "MiB", bound_mib),
        ]


def measure(folder: Path, n_results: int) -> list[Measured]:
    """Run the commands on so many results, in a folder that is empty."""
    write_results(folder / "results", n_results)
    commands = Commands(folder)
    return [
        *commands.took("show"),
        *commands.took("show", again=" again", bound_s=3),
        *commands.took("build", bound_s=15, bound_mib=1024),
        *commands.took("publish"),
        Measured("largest page without plots", largest_page(folder / "site") / 1e6, "MB", 1),
    ]


def largest_page(site: Path) -> int:
    """Bytes of the largest page, without its plots."""
    return max(len(_PLOT.sub(b"", page.read_bytes())) for page in site.rglob("*.html"))


def report(measured: list[Measured]) -> str:
    table = [("", "took", "at most", "")]
    for one in measured:
        bound = "" if one.bound is None else f"{one.bound:g} {one.unit}"
        table.append((one.what, f"{one.amount:.2f} {one.unit}", bound, "" if one.holds else "TOO MUCH"))
    return tabulate(table, "firstrow", disable_numparse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--results", type=int, default=10_000, help="how many (default: 10000)")
    n_results = parser.parse_args().results
    with tempfile.TemporaryDirectory(prefix="metabench-bench-") as folder:
        measured = measure(Path(folder), n_results)
    sys.stdout.write(f"{report(measured)}\n")
    sys.exit(0 if all(one.holds for one in measured) else 1)


if __name__ == "__main__":
    main()
