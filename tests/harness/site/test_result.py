"""The page of a result: scores that were computed, not claimed; failures; the curve."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from metabench.results.record import ScorePart
from metabench.site.curve import curve_of, points_of
from metabench.site.result import result_page


def identity_of(site, algorithm: str, benchmark: str, seed: int = 0) -> str:
    (found,) = [
        identity
        for identity, run in site.contents.runs.items()
        if (run.record.algorithm.name, run.record.benchmark.name, run.record.seed)
        == (algorithm, benchmark, seed)
        and run.record.budget.seconds == 300
    ]
    return found


def facts_of(page) -> dict[str, dict[str, str]]:
    return {part.title: {fact.name: fact.value for fact in part.facts} for part in page.facts}


@pytest.fixture
def maml(site) -> str:
    return identity_of(site, "maml", "grocery-5w5s", seed=1)


def with_record(site, identity: str, **changes):
    """The contents with a record that says something else."""
    run = site.contents.runs[identity]
    changed = replace(run, record=run.record.model_copy(update=changes))
    return replace(site.contents, runs={**site.contents.runs, identity: changed})


def test_the_score_is_that_of_the_outcomes_whatever_the_record_claims(site, maml: str) -> None:
    claim = ScorePart(metric="accuracy", mean=0.99, low=0.98, high=1.0, n_episodes=100)
    page = result_page(maml, with_record(site, maml, scores=(claim,)))
    scores = site.contents.runs[maml].scores
    theirs = stats.ttest_1samp(scores, 0.0).confidence_interval(0.95)
    assert page.score == f"{100 * scores.mean():.2f} [{100 * theirs.low:.2f}, {100 * theirs.high:.2f}]"
    assert [row[1].text for row in page.scores.rows] == [page.score]


def test_other_metrics_stand_as_the_record_tells_them(site, maml: str) -> None:
    rows = [[cell.text for cell in row] for row in result_page(maml, site.contents).scores.rows]
    told = site.contents.runs[maml].record.scores[1]
    assert rows[1][0] == "negative log-likelihood"
    assert rows[1][1].startswith(f"{told.mean:.4f} [")


def test_it_leads_to_its_board_and_to_other_seeds(site, maml: str) -> None:
    page = result_page(maml, site.contents)
    assert page.board.text == "grocery-5w5s: accuracy in %, 100 episodes"
    assert [link.text for link in page.siblings] == ["seed 0", "seed 2"]
    assert page.rank == "6"


def test_what_ran_on_what_and_what_it_spent_are_facts(site, maml: str) -> None:
    told = facts_of(result_page(maml, site.contents))
    assert told["Algorithm"]["package"] == "metabench 0.1.0"
    assert told["Algorithm"]["option inner_lr"] == "0.1"
    assert told["Backbone"]["pretraining"] == "none"
    assert told["Spent"]["meta-training"] == "292 s"
    assert told["Spent"]["operations of a training step"] == "3.10e+09"
    assert told["Machine"]["out of the method's reach"] == "rlimits"
    assert told["Machine"]["speed"] == "steady: changed by 2 % during the run"
    assert told["Audit"]["verdict"] == "inductive"
    assert told["Files"]["identity"] == maml


def test_a_failure_tells_message_phase_and_last_words(site) -> None:
    page = result_page(identity_of(site, "mann", "clinc150-5w1s"), site.contents)
    told = {fact.name: fact.value for fact in page.failure.facts}
    assert told["what happened"] == "it said <script>alert('x')</script>\\x1b[31m"
    assert (told["while"], told["to blame"], told["exit code"]) == ("test", "method", "1")
    assert page.stderr == "Traceback:\n  <script>alert('x')</script>\\x1b[0m\nend"
    assert (page.status, page.is_ok, page.score, page.curve) == ("crashed", False, "–", None)


def test_a_damaged_result_says_why(site) -> None:
    page = result_page(identity_of(site, "damaged", "grocery-5w5s"), site.contents)
    assert (page.status, page.is_ok, page.score) == ("damaged", False, "–")
    assert "has another sha256 than its record tells" in page.problem


def test_long_texts_are_cut_visibly(site, maml: str) -> None:
    record = site.contents.runs[maml].record
    algorithm = record.algorithm.model_copy(update={"options": {"text": "x" * 10**6}})
    page = result_page(maml, with_record(site, maml, algorithm=algorithm))
    assert facts_of(page)["Algorithm"]["option text"].endswith("x…")
    assert max(map(len, page.command)) == 4000


def test_a_result_on_no_board_is_told_all_the_same(site, maml: str) -> None:
    page = result_page(maml, replace(site.contents, boards=()))
    assert (page.board, page.siblings, page.rank) == (None, (), "–")


def test_the_curve_ends_with_the_score(site, maml: str) -> None:
    rows = [[cell.text for cell in row] for row in result_page(maml, site.contents).points.rows]
    assert [row[0] for row in rows] == ["18.8", "37.5", "75", "150", "292"]
    assert rows[-1][1] == result_page(maml, site.contents).score
    assert [row[2] for row in rows] == ["50"] * 4 + ["100"]


def test_the_curve_fills_its_box(site, maml: str) -> None:
    points = points_of(site.contents.runs[maml], None)
    curve = curve_of(points, as_percent=True)
    line = np.array([[float(x) for x in point.split(",")] for point in curve.line.split()])
    band = np.array([[float(x) for x in point.split(",")] for point in curve.band.split()])
    assert (band.min(axis=0), band.max(axis=0)) == (pytest.approx([0, 0]), pytest.approx([100, 40]))
    assert (np.diff(line[:, 0]) > 0).all()
    assert (np.diff(line[:, 1]) < 0).all()
    assert (curve.start, curve.end) == ("18.8 s", "150 s")
    assert curve.low == f"{100 * points[0].score.low:.3g} %"


def test_a_curve_of_fewer_than_two_points_is_not_drawn(site, maml: str) -> None:
    points = points_of(site.contents.runs[maml], None)
    assert curve_of(points[:1], as_percent=True) is None
    assert curve_of((points[0], points[0]), as_percent=True) is not None
