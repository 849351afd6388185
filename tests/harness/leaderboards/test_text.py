"""Words for leaderboards: safe whatever they are made of."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.leaderboards import text
from metabench.leaderboards.table import Track
from metabench.scoring.interval import Interval


@given(st.text(st.characters()))
def test_anything_becomes_one_printable_line(anything: str) -> None:
    assert text.printable(anything).isprintable()
    assert text.name(anything).isprintable()
    assert len(text.name(anything)) <= 60


@pytest.mark.parametrize("plain", ["protonet", "maml (inner_lr=0.01)", "Größe", "原型网络", ""])
def test_printable_names_stay_as_they_are(plain: str) -> None:
    assert text.name(plain) == text.printable(plain) == plain


def test_a_long_name_is_cut_visibly() -> None:
    assert text.name("n" * 61) == "n" * 59 + "…"
    assert text.name("n" * 60) == "n" * 60


def test_of_an_endless_note_the_ends_are_told(board, row) -> None:
    endless = f"Metric {'m' * 100_000!r} is unknown here. Install the extension that has it."
    long = "w" * 600

    first, second = text.notes(board("a-5w1s", row("one", 0.9, notes=(endless, long))))

    assert first.startswith("one, conv4: Metric 'mmm")
    assert first.endswith("mmm' is unknown here. Install the extension that has it.")
    assert len(first) < 700
    assert second == f"one, conv4: {long}"


@pytest.mark.parametrize(
    ("mib", "told"), [(None, "8192 MiB, 5 s"), (24576, "8192 MiB and 24576 MiB of GPUs, 5 s")]
)
def test_memory_of_gpus_is_a_rule_where_a_run_has_one(make_record, mib: int | None, told: str) -> None:
    record = make_record(budget={"device_memory_mib": mib})
    track = Track(record.benchmark, record.budget, pretrained=False, device_class="cuda", precision="fp32")
    assert told in text.rules(track)


def test_an_interval_is_told_in_the_metrics_unit() -> None:
    told = Interval(0.97934, 0.9766, 0.98204)
    assert text.interval(told, as_percent=True) == "97.93 [97.66, 98.20]"
    assert text.interval(told, as_percent=False) == "0.9793 [0.9766, 0.9820]"


@pytest.mark.parametrize(
    ("score", "told"), [(1e300, "1e+302"), (-math.inf, "-inf"), (math.nan, "nan"), (9999.0, "999900.00")]
)
def test_a_score_that_cannot_be_takes_no_more_room_than_others(score: float, told: str) -> None:
    assert text.decimal(score, as_percent=True) == told
