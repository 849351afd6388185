"""The parts of a leaderboard in words, for renderers to arrange.

Everything that is a stranger's goes through `printable` here; escaping for the format is the renderer's.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from metabench.results.calibration import STEADY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.summary import Summary
    from metabench.leaderboards.table import Leaderboard, Row, Track
    from metabench.scoring.interval import Interval

NOTHING = "–"
UNSTEADY = "~"
NO_RESULTS = "No results to compare. Run `metabench evaluate` first."
ABOUT_RANKS = (
    "Rank: from 1 + the number of methods that are significantly better to the last place that is not "
    "held by a significantly worse one (t-tests, paired on the same episodes, Holm's correction, 5 %). The "
    "spread over seeds counts where a method has several; with one it is judged by that one."
)
ABOUT_GROUPS = "Group: methods that share a letter cannot be told apart, by the same tests."
ABOUT_FAILED = (
    "A run that failed by its method's fault, without answers to all episodes, counts as one that guesses, "
    "in the rank and in the mean over seeds; a damaged one does not count."
)
ABOUT_UNRANKED = (
    f"Without rank ({NOTHING}): some episodes have no score through no fault of the method, the audit was "
    "failed, or the method uses other queries (transductive) or earlier episodes (stateful)."
)
ABOUT_CLASSES = (
    "Other classes: the 95 % interval of the same mean for other classes from the same source, with the very "
    "seeds that were run; the interval beside the mean is that for other episodes of these very classes and, "
    "where there are several seeds, for other seeds."
)
ABOUT_COST = (
    "Cost: the seconds that meta-training would have taken on the reference machine, by standard pieces of "
    "work that were timed on its own machine before and after it."
)
ABOUT_UNSTEADY = (
    f"{UNSTEADY}: the machine's speed changed by more than {STEADY:.0%} from before the run to after it, so "
    "that its seconds are worth more or less than those of others."
)
_LONGEST_NAME = 60
_LONGEST_NOTE = 600
_LARGEST_SCORE = 1e6
_MOST_LETTERS = 4
_MOST_NAMES = 10
_MOST_LETTERED = 100


def printable(text: str) -> str:
    """A stranger's text as one line that no terminal obeys: control characters are spelt out."""
    if text.isprintable():
        return text
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


def apart(board: Leaderboard) -> str:
    """Why other leaderboards of the same benchmark are not one with it, in a line; "" if there are none."""
    if not board.apart:
        return ""
    return f"Not one table with others of {name(board.track.benchmark.name)}, by its {own_rules(board)}."


def own_rules(board: Leaderboard) -> str:
    """In what its rules differ from those of others of the same benchmark, e.g. "precision: bf16"."""
    own = "; ".join(map(name, board.apart[:_MOST_NAMES]))
    more = f"; and {len(board.apart) - _MOST_NAMES} more" if board.apart[_MOST_NAMES:] else ""
    return f"{own}{more}"


def groups(board: Leaderboard) -> list[str]:
    """For each row the letters that it shares with those it cannot be told apart from, e.g. "ab".

    Empty where nothing is ranked, or so many methods that letters would tell nobody anything.
    """
    compared = board.comparisons
    if compared is None or len(compared.means) > _MOST_LETTERED:
        return []
    found = compared.tie_groups
    letters = [
        _letters([number for number, group in enumerate(found) if place in group])
        for place in range(len(compared.means))
    ]
    return letters + [NOTHING] * (len(board.rows) - len(letters))


def rank(row: Row) -> str:
    """The places it may hold, e.g. "1–2"."""
    if row.rank is None:
        return NOTHING
    low, high = row.rank
    return f"{low}" if low == high else f"{low}–{high}"


def score(row: Row, *, as_percent: bool) -> str:
    """Mean and 95 % interval, e.g. "97.93 [97.66, 98.20]"."""
    return NOTHING if row.score is None else interval(row.score, as_percent=as_percent)


def interval(told: Interval, *, as_percent: bool) -> str:
    """A mean with its bounds, e.g. "97.93 [97.66, 98.20]"."""
    return f"{decimal(told.mean, as_percent=as_percent)} {bounds(told, as_percent=as_percent)}"


def bounds(told: Interval, *, as_percent: bool) -> str:
    """Those of an interval, e.g. "[97.66, 98.20]"."""
    return f"[{decimal(told.low, as_percent=as_percent)}, {decimal(told.high, as_percent=as_percent)}]"


def decimal(score: float, *, as_percent: bool) -> str:
    """A score, e.g. "97.93"; in few digits where no one can have measured it, as metrics may say anything."""
    shown, digits = (100 * score, 2) if as_percent else (score, 4)
    return f"{shown:.{digits}f}" if abs(shown) < _LARGEST_SCORE else f"{shown:.3g}"


def over_classes(row: Row, *, as_percent: bool) -> str:
    """The bounds for other classes, e.g. "[97.41, 98.45]"."""
    return NOTHING if row.over_classes is None else bounds(row.over_classes, as_percent=as_percent)


def worst_seed(row: Row, *, as_percent: bool) -> str:
    """The score of the seed that did worst, e.g. "97.41"."""
    return NOTHING if row.worst_seed is None else decimal(row.worst_seed, as_percent=as_percent)


def other(row: Row, metric: str) -> str:
    """The mean by a metric that does not rank, in its own unit."""
    mean = row.others.get(metric)
    return NOTHING if mean is None else decimal(mean, as_percent=False)


def per_episode(row: Row) -> str:
    """The time that a test episode took, e.g. "0.0121 s"."""
    return f"{row.episode_s:.3g} s"


def parameters(row: Row) -> str:
    """How many numbers meta-training can change, e.g. "28,192"."""
    return NOTHING if row.parameters is None else f"{row.parameters:,}"


def spent(row: Row, track: Track) -> str:
    """Of the budget, e.g. "300/300 s"."""
    budget = track.budget
    if budget.seconds is None:
        return f"{row.spent_episodes:.0f}/{budget.episodes} ep"
    mark = "" if row.is_steady else UNSTEADY
    return f"{mark}{_seconds(row.spent_s)}/{budget.seconds:g} s"


def cost(row: Row) -> str:
    """Normalised to the reference machine, e.g. "412 s"."""
    return NOTHING if row.cost_s is None else f"{_seconds(row.cost_s)} s"


def operations(row: Row) -> str:
    """Of meta-training, e.g. "3.1e+14"."""
    return NOTHING if row.operations is None else f"{row.operations:.1e}"


def machines(board: Leaderboard) -> str:
    """That seconds do not compare, in a line; nothing where all ran on the same processor."""
    if len(board.machines) < 2:
        return ""
    told = "; ".join(name(one) or "unknown" for one in board.machines)
    return f"The rows are from several machines ({told}), whose seconds differ: compare by cost."


def _seconds(seconds: float) -> str:
    return f"{seconds:.{0 if seconds >= 10 else 1}f}"


def status(row: Row) -> str:
    """How it ended, in words."""
    return row.status.replace("_", " ")


def notes(board: Leaderboard) -> list[str]:
    """What rows say besides, a line each."""
    return [
        f"{name(row.algorithm)}, {name(row.backbone)}: {_note(note)}"
        for row in board.rows
        for note in row.notes
    ]


def _note(words: str) -> str:
    """A stranger's sentences, printable; of endless ones the ends: what it is about, and the next step."""
    safe, half = printable(words), _LONGEST_NOTE // 2
    return safe if len(safe) <= _LONGEST_NOTE else f"{safe[:half]} … {safe[-half:]}"


def summary_heading(summary: Summary) -> str:
    """What is summed up, in a line."""
    names = ", ".join(name(board.track.benchmark.name) for board in summary.boards)
    return f"Across {len(summary.boards)} benchmarks: {names}"


def summary_verdict(summary: Summary) -> str:
    """What the ranks are worth, in a line."""
    ranked = summary.ranked
    if ranked.critical_difference is None:
        return "Fewer than two methods have a score on the same two or more of them; nobody is told apart."
    told = f"average ranks that differ by less than {ranked.critical_difference:.2f} cannot be told apart"
    if not ranked.may_differ:
        told = "no methods can be told apart"
    test = "" if ranked.p_value is None else f" Friedman's test: p = {ranked.p_value:.2g}."
    return f"{_left_out(summary)}By Nemenyi's test at 5 %, {told}; they share a letter.{test}"


def _left_out(summary: Summary) -> str:
    """Which benchmarks do not count for the ranks, as a sentence; "" if all do."""
    names = [name(board.track.benchmark.name) for board in summary.boards]
    missing = [one for place, one in enumerate(names) if place not in summary.ranked.benchmarks]
    told = ", ".join(missing[:_MOST_NAMES]) + (
        f" and {len(missing) - _MOST_NAMES} more" if missing[_MOST_NAMES:] else ""
    )
    return f"Too few have a score on {told}, so that ranks are over the others. " if missing else ""


def summary_header() -> list[str]:
    """Headings of the columns of `summary_cells`."""
    return ["average rank", "group", "method", "benchmarks"]


def summary_cells(summary: Summary) -> list[list[str]]:
    """A row for each method; a method without a score on all benchmarks has no rank."""
    ranked, n_boards = summary.ranked, len(summary.boards)
    return [
        [
            NOTHING if math.isnan(rank) else f"{rank:.2f}",
            _letters([number for number, group in enumerate(ranked.groups) if place in group]),
            name(method),
            f"{round(coverage * n_boards)} of {n_boards}",
        ]
        for place, (method, rank, coverage) in enumerate(
            zip(summary.methods, ranked.ranks.tolist(), ranked.coverage.tolist(), strict=True)
        )
    ]


def _letters(numbers: Sequence[int]) -> str:
    """Of all groups of a method; of many the first and the last, as groups are runs or nearly so."""
    if len(numbers) > _MOST_LETTERS:
        return f"{letter(numbers[0])}–{letter(numbers[-1])}"
    return "".join(map(letter, numbers)) or NOTHING


def letter(number: int) -> str:
    """Of a group of methods that cannot be told apart, from a to z, then from a1 to z1."""
    again, place = divmod(number, 26)
    return f"{chr(ord('a') + place)}{again or ''}"


def explanations(
    boards: Sequence[Leaderboard],
    *,
    with_groups: bool = False,
    with_classes: bool = False,
    with_cost: bool = False,
) -> list[str]:
    """What a reader needs to know to read the tables, a sentence each.

    Args:
        boards: That are shown.
        with_groups: Letters for ties are shown as well.
        with_classes: So are the intervals for other classes.
        with_cost: So is the cost.
    """
    rows = [row for board in boards for row in board.rows]
    told = [ABOUT_RANKS]
    if with_groups and any(map(groups, boards)):
        told.append(ABOUT_GROUPS)
    if any(row.rank is not None and row.coverage < 1 for row in rows):
        told.append(ABOUT_FAILED)
    if any(row.rank is None for row in rows):
        told.append(ABOUT_UNRANKED)
    if with_classes and any(row.over_classes is not None for row in rows):
        told.append(ABOUT_CLASSES)
    if with_cost and any(row.cost_s is not None for row in rows):
        told.append(ABOUT_COST)
    return told if all(row.is_steady for row in rows) else [*told, ABOUT_UNSTEADY]
