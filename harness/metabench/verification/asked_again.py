"""Level 2: do the stored weights give the stored predictions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from metabench.agreement import difference, threshold
from metabench.errors import MetabenchError
from metabench.referee.audit import spread
from metabench.referee.disguise import disguise, fingerprint, secret_stream
from metabench.referee.outcome import RunError
from metabench.referee.replay import replay
from metabench.referee.run import Match
from metabench.results.bundle import left_out
from metabench.results.files import PREDICTIONS_FILE, WEIGHTS_FILE, read_predictions, read_weights
from metabench.results.outcomes import outcomes_of
from metabench.results.predictions import Predictions
from metabench.results.score import overlap, score_parts
from metabench.verification.finding import Finding
from metabench.verification.plan import Repeatable, repeatable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metabench.episodes.stream import Stream
    from metabench.results.folder import Stored
    from metabench.results.record import Record
    from metabench.scoring.metric import Metric
    from metabench.verification.machine import Machine

    Logits = Sequence[NDArray[np.float32]]


def check_answers(stored: Stored, machine: Machine, count: int) -> Finding:
    """Ask some episodes again, of a fresh contestant with the stored weights.

    Where the run was made with this machine's key, the contestant gets the episodes in the very order that
    it had them in the run, and logits must agree as closely as the audit demands. With another key the
    order of classes and queries is another one, too. What that changes is measured by asking in two
    orders: where it is noise, logits must agree all the same; where answers depend on the order, no more
    than their scores can be compared.

    Args:
        stored: The result.
        machine: With its dataset and its plugins.
        count: Episodes to ask, spread from the first to the last; at least 2.
    """
    record = stored.record
    reason = _why_not(stored)
    if reason is not None:
        return Finding(2, "", remarks=(reason,))
    try:
        run = repeatable(record, machine)
        asked = _ask(stored, run, machine, spread(record.benchmark.n_episodes, count))
        return _compared(asked, record, run, machine.metrics[record.benchmark.metric])
    except MetabenchError as error:
        return Finding(2, "answers", (str(error),))
    except RunError as failure:
        return Finding(2, "answers", (f"The method fails ({failure.status}): {failure.message}.",))


def _why_not(stored: Stored) -> str | None:
    record = stored.record
    if PREDICTIONS_FILE not in record.files:
        return f"Nothing was answered, as its status is {record.status!r}."
    if record.audit.verdict == "stateful":
        return "Its answers depend on earlier episodes (stateful), so that single ones cannot be asked again."
    if WEIGHTS_FILE in left_out(stored.folder, record):
        return "Its weights were left out, as of every bundle; verify the result that it was made of."
    return None


@dataclass(frozen=True)
class _Asked:
    """Some episodes, as they were answered in the run and now.

    Attributes:
        before: What is stored.
        now: The answers of today.
        floor: How far apart the answers of one method may be.
        by_score: Answers depend on an order that is not known here.
    """

    before: Predictions
    now: Logits
    floor: float
    by_score: bool


def _ask(stored: Stored, run: Repeatable, machine: Machine, numbers: Sequence[int]) -> _Asked:
    record, home = stored.record, machine.places.home
    predictions = read_predictions(stored.folder, record)
    weights = np.frombuffer(read_weights(stored.folder, record), np.uint8)

    def answers(secret: Stream) -> Logits:
        questions = disguise(run.arena.episodes, secret)
        hidden = (*machine.places.folders, stored.folder.parent)
        match = Match(run.plan, run.arena.dataset, questions, machine.listener, hidden)
        return replay(match, weights, numbers)

    before = Predictions(
        tuple(predictions.logits[one] for one in numbers), tuple(predictions.labels[one] for one in numbers)
    )
    secret, floor = secret_stream(home, record.identity), record.audit.noise_floor
    now = answers(secret)
    if fingerprint(secret) == record.disguise:
        return _Asked(before, now, floor, by_score=False)
    by_order = _largest(now, answers(secret_stream(home, f"{record.identity} in another order")))
    return _Asked(before, now, by_order, by_score=by_order > threshold(floor, record.environment.precision))


def _largest(first: Logits, second: Logits) -> float:
    """The largest difference; answers of another shape are infinitely far apart."""
    pairs = zip(first, second, strict=True)
    return max(difference(*pair) if pair[0].shape == pair[1].shape else math.inf for pair in pairs)


def _compared(asked: _Asked, record: Record, run: Repeatable, metric: Metric) -> Finding:
    elsewhere = [f"Not as where it ran: {', '.join(run.differences)}."] if run.differences else []
    if asked.by_score:
        return _by_score(asked, metric, elsewhere)
    limit = threshold(asked.floor, record.environment.precision)
    found = _largest(asked.now, asked.before.logits)
    told = (
        f"logits of {len(asked.now)} episodes, {found:.2g} of their spread apart; up to {limit:.2g} is noise"
    )
    problems = () if found <= limit else (f"They are not the same: {told}.",)
    return Finding(2, told, problems, tuple(elsewhere))


def _by_score(asked: _Asked, metric: Metric, elsewhere: Sequence[str]) -> Finding:
    answers = asked.before, Predictions(tuple(asked.now), asked.before.labels)
    before, now = (score_parts(outcomes_of(one, [metric]), {})[0] for one in answers)
    shown = [f"{one.mean:.4f} [{one.low:.4f}, {one.high:.4f}]" for one in (before, now)]
    told = f"the score of {len(asked.now)} episodes, {shown[0]} then, {shown[1]} now"
    order = (
        "Logits are not compared: another key has put the questions in order, and the answers depend on it "
        f"(those to two orders are {asked.floor:.2g} of their spread apart)."
    )
    problems = () if overlap(before, now) else (f"The intervals do not overlap: {told}.",)
    return Finding(2, told, problems, (order, *elsewhere))
