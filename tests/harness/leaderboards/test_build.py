"""From results to leaderboards: what compares, what is ranked, what is told besides."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from metabench.leaderboards import runs
from metabench.leaderboards.build import build
from metabench.leaderboards.runs import score_run
from metabench.leaderboards.table import Leaderboard
from metabench.results.calibration import REFERENCE_S, calibration_part
from metabench.results.files import contents_of, read_record
from metabench.results.folder import Stored, write_result
from metabench.results.outcomes import outcomes_of
from metabench.results.predictions import Predictions
from metabench.results.record import CalibrationPart, ComputePart, DatasetPart, Record, ScorePart
from metabench.scoring.classes import Membership, classes_intervals
from metabench.scoring.metric import Metric

N_EPISODES = 40
Store = Callable[..., Stored]


def first_logit(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """A metric that tests can dictate: the first number of each episode."""
    return logits[:, 0, 0].astype(np.float64)


OTHER_CONTENT = DatasetPart(name="toy", content_hash="f" * 64, split_hash="f" * 64)
METRICS = {"accuracy": Metric("accuracy", "title", first_logit)}


@pytest.fixture
def store(tmp_path: Path, make_record: Callable[..., Record]) -> Store:
    """Stores a result whose episodes have the scores that are given."""

    def write(scores: Sequence[float] | None, told: Sequence[ScorePart] = (), **changes: Any) -> Stored:
        benchmark = {"n_episodes": N_EPISODES} | changes.pop("benchmark", {})
        record = make_record(benchmark=benchmark, scores=tuple(told), **changes)
        predictions = None
        if scores is not None:
            logits = np.zeros((len(scores), 6, 2), np.float32)
            logits[:, 0, 0] = scores
            predictions = Predictions(tuple(logits), (np.zeros(6, np.int64),) * len(scores))
        folder = write_result(tmp_path, record, contents_of(predictions))
        return Stored(folder, read_record(folder))

    return write


def around(mean: float, seed: int = 0, n_episodes: int = N_EPISODES) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 0.05, n_episodes)
    return (mean + noise - noise.mean()).astype(np.float32)


def only(boards: list[Leaderboard]) -> Leaderboard:
    (board,) = boards
    return board


def places(board: Leaderboard) -> list[tuple[str, tuple[int, int] | None]]:
    return [(row.algorithm, row.rank) for row in board.rows]


# Ranks and scores


def test_methods_are_ranked_by_what_their_predictions_score(store: Store) -> None:
    stored = [store(around(0.2, 1), algorithm="bad"), store(around(0.8, 2), algorithm="good")]

    assert places(only(build(stored, METRICS))) == [("good", (1, 1)), ("bad", (2, 2))]


def test_what_is_scored_already_is_not_read_again(store: Store) -> None:
    stored = [store(around(0.2, 1), algorithm="bad"), store(around(0.8, 2), algorithm="good")]
    scored = {one.record.identity: score_run(one, METRICS["accuracy"]) for one in stored[:1]}
    (stored[0].folder / "predictions.parquet").unlink()

    assert places(only(build(stored, METRICS, scored=scored))) == [("good", (1, 1)), ("bad", (2, 2))]
    assert places(only(build(stored, METRICS)))[1] == ("bad", None)


def test_methods_that_cannot_be_told_apart_share_places(store: Store) -> None:
    stored = [
        store(around(0.500, 1), algorithm="a"),
        store(around(0.501, 2), algorithm="b"),
        store(around(0.9, 3), algorithm="c"),
    ]

    assert places(only(build(stored, METRICS))) == [("c", (1, 1)), ("b", (2, 3)), ("a", (2, 3))]


def test_all_pairs_of_ranked_methods_are_compared_in_the_order_of_their_rows(store: Store) -> None:
    stored = [
        store(around(0.5, 1), algorithm="a"),
        store(around(0.9, 2), algorithm="b"),
        store(around(0.6, 3), algorithm="c", verdict="transductive"),
    ]

    board = only(build(stored, METRICS))

    assert [row.algorithm for row in board.rows] == ["b", "a", "c"]
    assert board.comparisons is not None
    assert board.comparisons.differences[0, 1] == pytest.approx(0.4)
    assert board.comparisons.better.tolist() == [[False, True], [False, False]]


def test_the_worst_seed_and_other_metrics_are_told(store: Store) -> None:
    scores = tuple(
        ScorePart(metric=name, mean=mean, low=0.0, high=1.0, n_episodes=N_EPISODES)
        for name, mean in (("accuracy", 0.9), ("nll", 0.5))
    )
    seeds = [store(around(mean, seed), scores, seed=seed) for seed, mean in enumerate((0.3, 0.4))]

    (row,) = only(build(seeds, METRICS)).rows
    assert row.worst_seed == pytest.approx(0.3)
    assert row.others == {"nll": 0.5}
    assert only(build(seeds[:1], METRICS)).rows[0].worst_seed is None


def test_the_interval_over_classes_is_that_of_the_episodes_classes(tmp_path: Path, make_record) -> None:
    rng = np.random.default_rng(0)
    classes = tuple(tuple(map(str, rng.choice(9, 2, replace=False))) for _ in range(N_EPISODES))
    logits = rng.normal(size=(N_EPISODES, 6, 2)).astype(np.float32)
    labels = (np.array([0, 0, 0, 1, 1, 1]),) * N_EPISODES
    outcomes = outcomes_of(Predictions(tuple(logits), labels, classes), [METRICS["accuracy"]])
    folder = write_result(
        tmp_path, make_record(benchmark={"n_episodes": N_EPISODES}), contents_of(outcomes=outcomes)
    )

    (row,) = only(build([Stored(folder, read_record(folder))], METRICS)).rows

    (expected,) = classes_intervals(outcomes.scores["accuracy"][None], Membership.of(classes))
    assert asdict(row.over_classes) == pytest.approx(asdict(expected), abs=1e-11)


@pytest.mark.parametrize(
    ("bound", "most", "is_told"),
    [
        ("_MOST_PAIRS", 4 * N_EPISODES, True),
        ("_MOST_PAIRS", 4 * N_EPISODES - 1, False),
        ("_MOST_DIFFERENT", 9 * 9, True),
        ("_MOST_DIFFERENT", 9 * 9 - 1, False),
    ],
)
def test_what_would_fill_the_memory_is_not_told_of_other_classes(
    tmp_path: Path, make_record, monkeypatch: pytest.MonkeyPatch, bound: str, most: int, is_told: bool
) -> None:
    """All of nine classes stand in some of the episodes, two in each of them."""
    classes = tuple((str(place % 9), str((place + 1) % 9)) for place in range(N_EPISODES))
    logits = np.random.default_rng(0).normal(size=(N_EPISODES, 6, 2)).astype(np.float32)
    predictions = Predictions(tuple(logits), (np.array([0, 0, 0, 1, 1, 1]),) * N_EPISODES, classes)
    outcomes = outcomes_of(predictions, [METRICS["accuracy"]])
    record = make_record(benchmark={"n_episodes": N_EPISODES})
    folder = write_result(tmp_path, record, contents_of(outcomes=outcomes))
    monkeypatch.setattr(runs, bound, most)

    (row,) = only(build([Stored(folder, read_record(folder))], METRICS)).rows

    assert (row.over_classes is not None) is is_told
    assert row.rank == (1, 1)


def test_where_lower_is_better_the_lowest_comes_first(store: Store) -> None:
    stored = [store(around(0.2, 1), algorithm="low"), store(around(0.8, 2), algorithm="high")]
    metrics = {"accuracy": Metric("accuracy", "loss", first_logit, higher_is_better=False, as_percent=False)}

    board = only(build(stored, metrics))

    assert places(board) == [("low", (1, 1)), ("high", (2, 2))]
    assert (board.metric_title, board.as_percent) == ("loss", False)


def test_one_seed_has_the_classical_interval(store: Store) -> None:
    scores = around(0.5)

    row = only(build([store(scores)], METRICS)).rows[0]

    theirs = stats.ttest_1samp(scores.astype(np.float64), 0.0).confidence_interval(0.95)
    assert row.score is not None
    assert (row.score.low, row.score.high) == pytest.approx((theirs.low, theirs.high))
    assert row.score.mean == pytest.approx(0.5)


def test_a_mean_that_the_record_claims_is_not_believed(store: Store) -> None:
    stored = store(around(0.5))
    claim = {"metric": "accuracy", "mean": 0.99, "low": 0.98, "high": 1.0, "n_episodes": N_EPISODES}
    told = json.loads((stored.folder / "result.json").read_text())
    (stored.folder / "result.json").write_text(json.dumps(told | {"scores": [claim]}))

    row = only(build([Stored(stored.folder, read_record(stored.folder))], METRICS)).rows[0]

    assert row.score is not None
    assert row.score.mean == pytest.approx(0.5)


def test_a_row_tells_of_which_results_it_is_made_by_seed(store: Store) -> None:
    stored = [store(around(0.5, seed), seed=seed) for seed in (1, 0)]

    row = only(build(stored, METRICS)).rows[0]

    assert row.identities == (stored[1].record.identity, stored[0].record.identity)


# What compares


@pytest.mark.parametrize(
    "changes",
    [
        {"benchmark": {"manifest_hash": "f" * 64}},
        {"benchmark": {"dataset": OTHER_CONTENT}},
        {"benchmark": {"source": OTHER_CONTENT}},
        {"benchmark": {"parameters": {"n_way": 2, "n_shot": 5, "n_query": 3}}},
        {"budget": {"seconds": 60.0}},
        {"budget": {"memory_mib": 4096}},
        {"environment": {"device_class": "H200"}},
        {"environment": {"precision": "bf16"}},
        {"pretraining": "imagenet"},
    ],
)
def test_results_under_other_rules_have_a_board_of_their_own(store: Store, changes: dict[str, Any]) -> None:
    boards = build([store(around(0.5)), store(around(0.5), algorithm="b", **changes)], METRICS)

    assert [len(board.rows) for board in boards] == [1, 1]


@pytest.mark.parametrize(
    "changes",
    [
        {"budget": {"name": "five-minutes"}},
        {"environment": {"torch": "3.0", "platform": "other", "isolation": "none"}},
    ],
)
def test_names_and_circumstances_make_no_board(store: Store, changes: dict[str, Any]) -> None:
    board = only(build([store(around(0.5)), store(around(0.5), algorithm="b", **changes)], METRICS))

    assert len(board.rows) == 2


def test_two_kinds_of_pretraining_share_a_board(store: Store) -> None:
    stored = [
        store(around(0.5), pretraining="imagenet"),
        store(around(0.5), algorithm="b", pretraining="laion"),
    ]

    assert only(build(stored, METRICS)).track.pretrained


def test_the_order_of_results_changes_nothing(store: Store) -> None:
    stored = [store(around(0.5, seed), algorithm=name, seed=seed) for seed in (0, 1) for name in ("a", "b")]
    stored += [store(around(0.5), budget={"seconds": 60.0}), store(None, status="crashed", algorithm="c")]

    assert build(stored, METRICS) == build(stored[::-1], METRICS)


def test_boards_come_by_benchmark_then_by_budget(store: Store) -> None:
    stored = [
        store(around(0.5), benchmark={"name": name}, budget={"seconds": seconds})
        for name in ("b", "a")
        for seconds in (600.0, 60.0)
    ]

    tracks = [board.track for board in build(stored, METRICS)]

    assert [(one.benchmark.name, one.budget.name) for one in tracks] == [
        ("a", "60s"),
        ("a", "600s"),
        ("b", "60s"),
        ("b", "600s"),
    ]


def test_without_results_there_is_no_board() -> None:
    assert build([], METRICS) == []


# Seeds


def test_seeds_of_a_method_make_one_row(store: Store) -> None:
    stored = [store(around(0.4 + 0.1 * seed, seed), seed=seed) for seed in range(3)]

    row = only(build(stored, METRICS)).rows[0]

    assert (row.n_seeds, row.status, row.coverage) == (3, "3 of 3 ok", 1.0)
    assert row.score is not None
    assert row.score.mean == pytest.approx(0.5)
    assert row.score.high - row.score.low > 0.1


def test_other_options_or_backbones_make_rows_of_their_own(store: Store, make_plugin) -> None:
    stored = [
        store(around(0.5), algorithm=make_plugin("maml", {"steps": 1})),
        store(around(0.6), algorithm=make_plugin("maml", {"steps": 5})),
        store(around(0.7), algorithm=make_plugin("maml", {"steps": 5}), backbone="resnet12"),
    ]

    rows = only(build(stored, METRICS)).rows

    assert [(row.algorithm, row.backbone) for row in rows] == [
        ("maml (steps=5)", "resnet12"),
        ("maml (steps=5)", "conv4"),
        ("maml (steps=1)", "conv4"),
    ]


def test_of_two_runs_with_one_seed_the_later_counts(store: Store) -> None:
    stored = [
        store(around(0.9), started="2026-01-02", environment={"torch": "2.14"}),
        store(around(0.1), started="2026-01-01", environment={"torch": "2.13"}),
    ]

    row = only(build(stored, METRICS)).rows[0]

    assert row.n_seeds == 1
    assert row.score is not None
    assert row.score.mean == pytest.approx(0.9)


def test_a_row_tells_what_its_seeds_spent(store: Store) -> None:
    stored = [
        store(around(0.5), seed=0, spent={"meta_training_s": 100.0, "peak_memory_mib": 70.0, "episodes": 10}),
        store(around(0.5), seed=1, spent={"meta_training_s": 300.0, "peak_memory_mib": 50.0, "episodes": 20}),
    ]

    row = only(build(stored, METRICS)).rows[0]

    assert (row.spent_s, row.peak_memory_mib, row.spent_episodes) == (200.0, 70.0, 15.0)


# Seconds and operations


def calibrated(*, slower: float, drift: float = 0.0) -> CalibrationPart:
    """Of a machine that is so many times slower than the reference, and became slower still."""
    before = {name: slower * seconds for name, seconds in REFERENCE_S.items()}
    after = calibration_part(before, {name: (1 + drift) * seconds for name, seconds in before.items()})
    assert after is not None
    return after


def test_cost_is_in_seconds_of_the_reference_machine(store: Store) -> None:
    spent = [{"meta_training_s": 100.0}, {"meta_training_s": 300.0}]
    stored = [
        store(around(0.5), seed=seed, spent=told, calibration=calibrated(slower=2.0))
        for seed, told in enumerate(spent)
    ]

    row = only(build(stored, METRICS)).rows[0]

    assert row.cost_s == pytest.approx(100.0, rel=1e-3)
    assert row.is_steady


def test_without_a_calibration_of_each_seed_no_cost_is_known(store: Store) -> None:
    stored = [store(around(0.5), seed=0, calibration=calibrated(slower=1.0)), store(around(0.5), seed=1)]

    row = only(build(stored, METRICS)).rows[0]

    assert row.cost_s is None
    assert row.is_steady


def test_one_unsteady_seed_makes_a_row_unsteady(store: Store) -> None:
    stored = [
        store(around(0.5), seed=seed, calibration=calibrated(slower=1.0, drift=drift))
        for seed, drift in enumerate((0.0, 3.0))
    ]

    assert not only(build(stored, METRICS)).rows[0].is_steady


def test_a_board_knows_the_machines_of_its_rows(store: Store) -> None:
    stored = [
        store(around(0.5), algorithm=name, environment={"processor": processor})
        for name, processor in (("a", "fast"), ("b", "slow"), ("c", "fast"))
    ]

    assert only(build(stored, METRICS)).machines == ("fast", "slow")


def counted(**changes: Any) -> ComputePart:
    told = {"parameters": 7, "per_training_step": 5.0, "per_test_episode": 3.0, "uncounted": ()}
    return ComputePart(**(told | changes))


def test_operations_are_those_of_all_steps(store: Store) -> None:
    stored = [
        store(around(0.5), seed=seed, spent={"steps": steps}, compute=counted())
        for seed, steps in enumerate((10, 30))
    ]

    assert only(build(stored, METRICS)).rows[0].operations == 100.0


@pytest.mark.parametrize(
    "compute", [None, counted(uncounted=("aten._linalg_svd",)), counted(per_training_step=None)]
)
def test_operations_that_are_not_all_known_are_not_told(store: Store, compute: ComputePart | None) -> None:
    assert only(build([store(around(0.5), compute=compute)], METRICS)).rows[0].operations is None


# Failures


def test_a_failed_run_ranks_as_one_that_guesses(store: Store) -> None:
    stored = [store(None, algorithm="a", status="out_of_memory"), store(around(0.1), algorithm="b")]
    stored.append(store(around(-0.1), algorithm="worse than guessing"))

    board = only(build(stored, METRICS))

    assert dict(places(board)) == {"b": (1, 1), "a": (2, 2), "worse than guessing": (3, 3)}
    assert (board.rows[1].status, board.rows[1].score, board.rows[1].coverage) == ("out_of_memory", None, 0.0)
    assert board.rows[1].notes == ()


def test_where_nobody_has_answered_a_failed_run_has_no_rank(store: Store) -> None:
    assert places(only(build([store(None, status="crashed")], METRICS))) == [("protonet", None)]


def test_a_run_that_the_machine_failed_has_no_rank(store: Store) -> None:
    failed = store(None, algorithm="a", status="harness_error", blame="infrastructure")

    assert dict(places(only(build([failed, store(around(0.1))], METRICS))))["a"] is None


def test_a_run_that_failed_after_its_last_commit_shows_score_and_status(store: Store) -> None:
    stored = store(around(0.9), status="timeout", failed_in="meta-training")

    row = only(build([stored], METRICS)).rows[0]

    assert (row.status, row.rank) == ("timeout", (1, 1))


def test_a_seed_that_failed_counts_as_guessing_in_rank_score_and_order(store: Store) -> None:
    stored = [store(around(0.9, seed), seed=seed) for seed in (0, 1)]
    stored += [store(None, seed=2, status="timeout"), store(around(0.1), algorithm="b")]

    board = only(build(stored, METRICS))

    assert places(board) == [("protonet", (1, 2)), ("b", (1, 2))]
    row = board.rows[0]
    assert (row.status, row.coverage) == ("2 of 3 ok", pytest.approx(2 / 3))
    assert row.score is not None
    assert row.score.mean == pytest.approx(0.6)
    assert row.worst_seed == pytest.approx(0.0)
    assert row.notes == ("Seed 2 ended as timeout.", "67% of the episodes of all seeds were answered.")


def test_a_method_that_mostly_fails_does_not_lead(store: Store) -> None:
    stored = [store(around(0.94), algorithm="flaky")]
    stored += [store(None, algorithm="flaky", seed=seed, status="timeout") for seed in range(1, 5)]
    stored += [store(around(0.8, seed), algorithm="solid", seed=seed) for seed in range(5)]

    first, second = only(build(stored, METRICS)).rows

    assert (first.algorithm, second.algorithm) == ("solid", "flaky")
    assert second.score is not None
    assert second.score.mean == pytest.approx(0.94 / 5)


def test_no_single_result_says_what_guessing_scores(store: Store) -> None:
    stored = [store(around(0.5, place), algorithm=f"honest{place}") for place in range(3)]
    forged = store(around(0.1), algorithm="forger")
    failed = store(None, algorithm="failed", status="timeout")
    told = replace(score_run(forged, METRICS["accuracy"]), guessing=np.full(N_EPISODES, 0.99))

    rows = only(build([forged, *stored, failed], METRICS, scored={forged.record.identity: told})).rows
    assert [row.algorithm for row in rows][-1] == "failed"


@pytest.mark.parametrize("blame", ["infrastructure", "user", "nobody"])
def test_a_test_that_was_cut_short_by_no_fault_of_the_method_has_a_score_but_no_rank(
    store: Store, blame: str
) -> None:
    short = store(around(0.9, n_episodes=10), algorithm="short", status="cancelled", blame=blame)
    whole = store(around(0.9), algorithm="short", seed=1)

    for seeds in ([short], [short, whole]):
        board = only(build([*seeds, store(around(0.1), algorithm="b")], METRICS))

        assert places(board) == [("b", (1, 1)), ("short", None)]
        assert board.rows[1].score is not None
        assert board.rows[1].score.mean == pytest.approx(0.9)
        assert board.rows[1].coverage == (0.25 if len(seeds) == 1 else 0.5)


def test_a_test_that_the_method_cut_short_ranks_as_guessing(store: Store) -> None:
    short = store(around(0.9, n_episodes=10), algorithm="short", status="timeout")

    board = only(build([short, store(around(0.1), algorithm="b")], METRICS))

    assert places(board) == [("b", (1, 1)), ("short", (2, 2))]
    assert board.rows[1].coverage == 0.25


def test_damaged_predictions_are_shown_and_never_scored(store: Store) -> None:
    stored = store(around(0.9))
    (stored.folder / "predictions.parquet").write_bytes(b"")

    row = only(build([stored], METRICS)).rows[0]

    assert (row.status, row.score, row.rank) == ("damaged", None, None)
    assert len(row.notes) == 1
    assert "another sha256" in row.notes[0]


def damaged(stored: Stored) -> Stored:
    (stored.folder / "predictions.parquet").write_bytes(b"")
    return stored


@pytest.mark.parametrize(
    "claims",
    [
        {"spent": {"meta_training_s": 1.0, "peak_memory_mib": 9e5}},
        {"verdict": "stateful"},
        {"status": "crashed"},
        {"status": "timeout", "failed_in": "audit"},
    ],
)
def test_damaged_seeds_are_shown_and_cost_their_method_nothing(store: Store, claims: dict[str, Any]) -> None:
    forged = [damaged(store(around(0.1), algorithm="solid", seed=seed, **claims)) for seed in (1, 2)]
    stored = [store(around(0.9), algorithm="solid"), store(around(0.5, 1), algorithm="b")]

    board = only(build([*forged, *stored], METRICS))

    assert places(board) == [("solid", (1, 1)), ("b", (2, 2))]
    row = board.rows[0]
    assert (row.status, row.n_seeds, row.verdict, row.coverage) == (
        "1 of 3 ok",
        3,
        "inductive",
        pytest.approx(1 / 3),
    )
    alone = only(build(stored, METRICS)).rows[0]
    assert row.score == alone.score
    assert (row.spent_s, row.peak_memory_mib) == (alone.spent_s, alone.peak_memory_mib)
    assert len(row.identities) == 3
    for one in forged:
        assert any(one.record.identity[:16] in note and "another sha256" in note for note in row.notes)
        assert f"Seed {one.record.seed} ended as damaged." in row.notes


def test_a_method_of_which_no_seed_is_intact_has_no_rank(store: Store) -> None:
    stored = [damaged(store(around(0.9), algorithm="a", seed=seed, status="crashed")) for seed in (0, 1)]

    board = only(build([*stored, store(around(0.1), algorithm="b")], METRICS))

    assert places(board) == [("b", (1, 1)), ("a", None)]
    assert (board.rows[1].status, board.rows[1].score) == ("0 of 2 ok", None)


@pytest.mark.parametrize("started", ["2025-12-31", "2026-02-01"])
def test_a_damaged_run_takes_no_intact_ones_place(store: Store, started: str) -> None:
    forged = damaged(store(around(0.1), started=started, environment={"torch": "2.14"}))

    (row,) = only(build([store(around(0.9)), forged], METRICS)).rows

    assert (row.status, row.rank) == ("ok", (1, 1))
    assert row.score is not None
    assert row.score.mean == pytest.approx(0.9)


def test_scores_that_no_episode_can_have_are_named_and_never_ranked(store: Store) -> None:
    bounded = replace(METRICS["accuracy"], highest=1.0)
    honest = store(around(0.5), algorithm="honest")
    forged = store([0.9, 1.5] * (N_EPISODES // 2), algorithm="forged")

    first, second = only(build([honest, forged], {"accuracy": bounded})).rows

    assert (first.algorithm, first.rank) == ("honest", (1, 1))
    assert (second.status, second.score, second.rank) == ("damaged", None, None)
    assert second.notes == ("An episode scores 1.5 by 'accuracy'; expected -inf … 1.",)


def test_an_ok_result_without_predictions_is_damaged(store: Store) -> None:
    row = only(build([store(None, status="ok")], METRICS)).rows[0]

    assert (row.status, row.score) == ("damaged", None)
    assert "has no predictions" in row.notes[0]


def test_an_unknown_metric_costs_the_scores_not_the_board(store: Store) -> None:
    row = only(build([store(around(0.9))], {})).rows[0]

    assert row.score is None
    assert row.notes == ("Metric 'accuracy' is unknown here. Install the extension that has it.",)


# The audit


@pytest.mark.parametrize("verdict", ["transductive", "stateful"])
def test_learners_that_fail_the_audit_stand_below_the_ranked_ones(store: Store, verdict: str) -> None:
    stored = [
        store(around(0.9), algorithm="peeking", verdict=verdict),
        store(around(0.5, 1), algorithm="honest"),
        store(None, algorithm="broken", status="crashed"),
    ]

    board = only(build(stored, METRICS))

    assert places(board) == [("honest", (1, 1)), ("broken", (2, 2)), ("peeking", None)]
    assert board.rows[2].verdict == verdict


def test_of_several_seeds_the_most_serious_verdict_counts(store: Store) -> None:
    verdicts = ["inductive", "transductive", "not audited"]
    stored = [store(around(0.5), seed=seed, verdict=verdict) for seed, verdict in enumerate(verdicts)]

    assert only(build(stored, METRICS)).rows[0].verdict == "transductive"


def test_an_unaudited_run_is_ranked_unless_it_failed_the_audit_itself(store: Store) -> None:
    stored = [
        store(around(0.5), algorithm="skipped", verdict="not audited"),
        store(around(0.9), algorithm="evaded", verdict="not audited", status="crashed", failed_in="audit"),
    ]

    assert places(only(build(stored, METRICS))) == [("skipped", (1, 1)), ("evaded", None)]
