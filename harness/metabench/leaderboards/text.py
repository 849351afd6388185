"""The parts of a leaderboard in words, for renderers to arrange.

Everything that is a stranger's goes through `printable` here; escaping for the format is the renderer's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.table import Leaderboard, Row, Track

NOTHING = "–"
NO_RESULTS = "No results to compare. Run `metabench evaluate` first."
ABOUT_RANKS = (
    "Rank: from 1 + the number of methods that are significantly better to the last place that is not "
    "held by a significantly worse one (t-tests, paired on the same episodes, Holm's correction, 5 %). The "
    "spread over seeds counts where a method has several; with one it is judged by that one."
)
ABOUT_FAILED = "A run that failed by its method's fault, and left no answers, ranks as one that guesses."
ABOUT_UNRANKED = (
    f"Without rank ({NOTHING}): some episodes have no score through no fault of the method, the audit was "
    "failed, or the method uses other queries (transductive) or earlier episodes (stateful)."
)
_LONGEST_NAME = 60


def printable(text: str) -> str:
    """A stranger's text as one line that no terminal obeys: control characters are spelt out."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def name(text: str) -> str:
    """A stranger's name, printable and of a bearable length."""
    safe = printable(text[: _LONGEST_NAME + 1])
    return safe if len(safe) <= _LONGEST_NAME else safe[: _LONGEST_NAME - 1] + "…"


def heading(board: Leaderboard) -> str:
    """What is measured, in a line."""
    benchmark = board.track.benchmark
    unit = " in %" if board.as_percent else ""
    return f"{name(benchmark.name)}: {name(board.metric_title)}{unit}, {benchmark.n_episodes} episodes"


def rules(track: Track) -> str:
    """Under which rules, in a line."""
    budget = track.budget
    amount = f"{budget.episodes} episodes" if budget.seconds is None else f"{budget.seconds:g} s"
    memory = f"{budget.memory_mib} MiB"
    if budget.device_memory_mib is not None:
        memory += f" and {budget.device_memory_mib} MiB of GPUs"
    pretraining = "pretrained backbones" if track.pretrained else "no pretraining"
    return (
        f"Budget: {amount} of meta-training, {memory}, {budget.adaptation_s:g} s per test episode. "
        f"Device: {name(track.device_class)}, {track.precision}. Track: {pretraining}."
    )


def rank(row: Row) -> str:
    """The places it may hold, e.g. "1–2"."""
    if row.rank is None:
        return NOTHING
    low, high = row.rank
    return f"{low}" if low == high else f"{low}–{high}"


def score(row: Row, *, as_percent: bool) -> str:
    """Mean and 95 % interval, e.g. "97.93 [97.66, 98.20]"."""
    if row.score is None:
        return NOTHING
    factor, digits = (100, 2) if as_percent else (1, 4)
    mean, low, high = (f"{factor * x:.{digits}f}" for x in (row.score.mean, row.score.low, row.score.high))
    return f"{mean} [{low}, {high}]"


def spent(row: Row, track: Track) -> str:
    """Of the budget, e.g. "300/300 s"."""
    budget = track.budget
    if budget.seconds is None:
        return f"{row.spent_episodes:.0f}/{budget.episodes} ep"
    digits = 0 if row.spent_s >= 10 else 1
    return f"{row.spent_s:.{digits}f}/{budget.seconds:g} s"


def status(row: Row) -> str:
    """How it ended, in words."""
    return row.status.replace("_", " ")


def notes(board: Leaderboard) -> list[str]:
    """What rows say besides, a line each."""
    return [
        f"{name(row.algorithm)}, {name(row.backbone)}: {printable(note)}"
        for row in board.rows
        for note in row.notes
    ]


def explanations(boards: Sequence[Leaderboard]) -> list[str]:
    """What a reader needs to know to read the ranks, a sentence each."""
    rows = [row for board in boards for row in board.rows]
    told = [ABOUT_RANKS]
    if any(row.rank is not None and row.coverage < 1 for row in rows):
        told.append(ABOUT_FAILED)
    return [*told, ABOUT_UNRANKED] if any(row.rank is None for row in rows) else told
