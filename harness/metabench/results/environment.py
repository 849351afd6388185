"""What a run runs on, as its record tells it. Nothing here imports torch."""

from __future__ import annotations

import platform
import re
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from metabench.discovery.source import engine_hash
from metabench.referee.gpu import find_gpus
from metabench.results.record import EnvironmentPart

if TYPE_CHECKING:
    from metabench.referee.gpu import Gpus
    from metabench.spec.plan import RunPlan

# Known when the run has ended.
_NOT_YET = ""


def environment_of(plan: RunPlan) -> EnvironmentPart:
    """Describe this machine as far as a run depends on it."""
    return EnvironmentPart(
        metabench=_version("metabench"),
        engine_hash=engine_hash(),
        python=platform.python_version(),
        torch=_version("torch"),
        numpy=_version("numpy"),
        platform=f"{platform.system()} {platform.machine()}",
        processor=_processor(),
        device_class=device_class(plan, None if plan.device == "cpu" else find_gpus()),
        precision=plan.precision,
        isolation=_NOT_YET,
    )


def device_class(plan: RunPlan, gpus: Gpus | None) -> str:
    """What results must have in common for their seconds to buy about the same.

    Args:
        plan: Of the run.
        gpus: Of this machine; None where there is none, or the driver does not tell.
    """
    if plan.device == "cpu":
        return f"cpu-{plan.n_threads}"
    return gpus.name if gpus is not None and gpus.name else "cuda"


def threads_of(device_class: str) -> int | None:
    """The threads that a device class of processors tells of; None for any other class."""
    match = re.fullmatch(r"cpu-(\d+)", device_class, re.ASCII)
    return int(match[1]) if match else None


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"


def _processor() -> str:
    """The processor's name; `platform` knows it on some systems, Linux tells it in a file."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
