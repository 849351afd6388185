"""Leaderboards as JSON: valid, whole, and without numbers that JSON has not."""

from __future__ import annotations

import json
import math

from metabench.scoring.interval import Interval
from metabench_plugins.renderers.json_boards import metabench_renderers, render


def test_everything_that_a_board_holds_is_there(typical) -> None:
    (told,) = json.loads(render([typical]))

    assert told["track"]["benchmark"]["name"] == "omniglot-5w1s"
    assert told["track"]["budget"]["seconds"] == 300.0
    assert [one["algorithm"] for one in told["rows"]] == ["protonet", "maml", "transmatch", "fomaml"]
    assert told["rows"][0]["score"] == {"mean": 0.9793, "low": 0.9766, "high": 0.982}
    assert told["rows"][0]["rank"] == [1, 2]
    assert told["rows"][-1]["score"] is None


def test_what_is_not_finite_is_null(board, row) -> None:
    (told,) = json.loads(render([board(row(score=Interval(0.5, -math.inf, math.inf)))]))

    assert told["rows"][0]["score"] == {"mean": 0.5, "low": None, "high": None}


def test_what_a_terminal_might_obey_is_spelt_out(board, row) -> None:
    evil = 'a\x1b\x9b\u202e\u2028é𝄞"\\'

    shown = render([board(row(algorithm=evil))])

    assert shown.isascii()
    assert all(line.isprintable() for line in shown.split("\n"))
    assert json.loads(shown)[0]["rows"][0]["algorithm"] == evil


def test_no_results_are_an_empty_list() -> None:
    assert json.loads(render([])) == []


def test_is_declared_as_json() -> None:
    assert [(one.name, one.render, one.suffix) for one in metabench_renderers()] == [
        ("json", render, ".json")
    ]
