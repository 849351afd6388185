"""Leaderboards as CSV: what a program reads is what the board holds."""

from __future__ import annotations

import csv
import io

import pytest

from metabench.scoring.interval import Interval
from metabench.site.addresses import board_name
from metabench_plugins.renderers.csv_table import metabench_renderers, render


def read(shown: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(shown)))


def test_each_method_of_each_board_is_a_row_with_all_digits(typical, board, row) -> None:
    rows = read(render([typical, board(row(), benchmark={"name": "grocery-5w1s"})]))

    assert [one["benchmark"] for one in rows] == ["omniglot-5w1s"] * 4 + ["grocery-5w1s"]
    first = rows[0]
    assert (first["first_rank"], first["last_rank"]) == ("1", "2")
    assert [float(first[name]) for name in ("mean", "low", "high")] == [0.9793, 0.9766, 0.982]
    assert (first["budget_s"], first["budget_episodes"], first["spent_s"]) == ("300.0", "", "300.04")
    assert first["pretrained"] == "False"


def test_what_is_not_known_is_empty(typical) -> None:
    failed = read(render([typical]))[-1]

    assert failed["status"] == "out_of_memory"
    assert {failed[name] for name in ("first_rank", "mean", "low", "high", "cost_s")} == {""}


def test_other_metrics_have_columns_of_their_own(board, row) -> None:
    rows = read(render([board(row(others={"nll": 0.25}), row(over_classes=Interval(0.5, 0.25, 0.75)))]))

    assert [one["nll"] for one in rows] == ["0.25", ""]
    assert [one["low_over_classes"] for one in rows] == ["", "0.25"]


def test_boards_of_one_benchmark_are_told_apart(board, row) -> None:
    boards = [
        board(row(), row(), apart=("precision: fp32",)),
        board(row(), apart=("precision: bf16", "device_class: H200"), track={"precision": "bf16"}),
        board(row(), benchmark={"name": "grocery-5w1s"}),
    ]

    rows = read(render(boards))

    assert [one["apart"] for one in rows] == [
        *("precision: fp32", "precision: fp32", "precision: bf16; device_class: H200", "")
    ]
    names = [board_name(one.track) for one in boards]
    assert [one["board"] for one in rows] == [names[0], *names]
    assert len(set(names)) == 3


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@x"])
def test_a_strangers_name_is_no_formula(board, row, name) -> None:
    (told,) = read(render([board(row(algorithm=name))]))
    assert told["algorithm"] == f"'{name}"


def test_a_strangers_metric_takes_no_other_columns_place(board, row) -> None:
    rows = read(render([board(row(others={"mean": 0.25}), row())]))

    assert [one["mean (metric)"] for one in rows] == ["0.25", ""]
    assert all(float(one["mean"]) > 0.5 for one in rows)


def test_names_cannot_break_the_table(board, row) -> None:
    rows = read(render([board(row(algorithm='a,"b"\n;'), row())]))

    assert [one["algorithm"] for one in rows] == ['a,"b"\\n;', "protonet"]
    assert [one["audit"] for one in rows] == ["inductive"] * 2


def test_no_results_say_what_to_do() -> None:
    assert render([]) == "No results to compare. Run `metabench evaluate` first."


def test_is_declared_as_csv() -> None:
    assert [(one.name, one.render, one.suffix) for one in metabench_renderers()] == [("csv", render, ".csv")]
