"""Why results stand in separate tables."""

from __future__ import annotations

from dataclasses import replace

from metabench.leaderboards.apart import set_apart
from metabench.leaderboards.table import Track


def test_namesakes_are_told_in_what_they_differ(board) -> None:
    one: Track = board("a-5w1s").track
    dataset = one.benchmark.dataset.model_copy(update={"content_hash": "1a2b3c4d" * 8})
    other_content = replace(one, benchmark=one.benchmark.model_copy(update={"dataset": dataset}))
    other_time = replace(one, budget=one.budget.model_copy(update={"adaptation_s": 3.0, "name": "short"}))

    first, second, third = set_apart([one, other_content, other_time])

    own = one.benchmark.dataset.content_hash[:8]
    given = one.budget.adaptation_s
    assert first == (f"benchmark.dataset.content_hash: {own}", f"budget.adaptation_s: {given}")
    assert second == ("benchmark.dataset.content_hash: 1a2b3c4d", f"budget.adaptation_s: {given}")
    assert third == (f"benchmark.dataset.content_hash: {own}", "budget.adaptation_s: 3.0")


def test_the_only_board_of_a_benchmark_is_not_set_apart(board) -> None:
    assert set_apart([board("a-5w1s").track, board("b-5w1s").track]) == [(), ()]
