"""Results as a table for people who go on in Python: one row per run."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from metabench.errors import no_results
from metabench.results.folder import read_all

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    from metabench.results.folder import Stored

_LOW, _HIGH, _MARK = "_low", "_high", " (metric)"
_TEXTS = ("benchmark", "algorithm", "backbone", "budget", "status", "verdict", "device_class", "precision")


def results_frame(folder: str | PathLike[str]) -> pd.DataFrame:
    """Read all results of a folder, as `metabench evaluate` writes them, into a tidy frame.

    Args:
        folder: Of results, or of bundles.

    Returns:
        A row for each run, by benchmark, algorithm, backbone and seed. Each metric has a column, beside
        `…_low` and `…_high` of its 95 % interval over episodes, as the records tell them (`metabench
        verify` tells whether they are true); a run without scores has NaN there. A metric whose name is
        that of another column, or could be, has "NAME (metric)". `episode_s` is the time that a test
        episode took on average. What cannot be read is warned of.

    Raises:
        UsageError: There is no such folder.
        ResultError: It cannot be read.
    """
    if not Path(folder).is_dir():
        raise no_results(Path(folder))
    stored, problems = read_all(Path(folder))
    for problem in problems:
        warnings.warn(problem, stacklevel=3)
    frame = pd.DataFrame([_row(one) for one in stored])
    if frame.empty:
        return frame
    frame["started"] = pd.to_datetime(frame["started"], format="ISO8601", utc=True, errors="coerce")
    frame = frame.sort_values(["benchmark", "algorithm", "backbone", "seed"], ignore_index=True)
    return frame.astype(dict.fromkeys(_TEXTS, "category"))


def _row(stored: Stored) -> dict[str, object]:
    record = stored.record
    spent, compute, calibration = record.spent, record.compute, record.calibration
    ran: dict[str, object] = {
        "benchmark": record.benchmark.name,
        "algorithm": record.algorithm.name,
        "backbone": record.backbone.name,
        "budget": record.budget.name,
        "seed": record.seed,
        "status": record.status,
        "verdict": record.audit.verdict,
    }
    besides: dict[str, object] = {
        "meta_training_s": spent.meta_training_s,
        "episode_s": spent.test_s / record.benchmark.n_episodes,
        "peak_memory_mib": spent.peak_memory_mib,
        "steps": spent.steps,
        "episodes": spent.episodes,
        "parameters": None if compute is None else compute.parameters,
        "drift": None if calibration is None else calibration.drift,
        "device_class": record.environment.device_class,
        "precision": record.environment.precision,
        "options": dict(record.algorithm.options),
        "started": record.started,
        "folder": str(stored.folder),
    }
    scores: dict[str, object] = {}
    for score in record.scores:
        name = _column(score.metric, ran | besides)
        scores |= {name: score.mean, f"{name}{_LOW}": score.low, f"{name}{_HIGH}": score.high}
    return ran | scores | besides


def _column(metric: str, others: Mapping[str, object]) -> str:
    """Where a metric stands: no stranger's takes another column's place, nor that of another metric's bounds.

    Its name alone decides, so that it is the same for all runs.
    """
    is_marked = metric in others or metric.endswith((_LOW, _HIGH, _MARK))
    return f"{metric}{_MARK}" if is_marked else metric
