"""`leaderboard show`: from results, or from what was shown before of the very same results."""

from __future__ import annotations

import shutil

import pytest


@pytest.fixture
def built(monkeypatch):
    """Counts how often leaderboards are built."""
    from metabench.leaderboards import build as module

    calls, build = [], module.build
    monkeypatch.setattr(module, "build", lambda *given: calls.append(1) or build(*given))
    return calls


def test_a_table_is_shown_again_without_being_built_again(inside, make_result, built):
    make_result("protonet")
    first, again = inside("leaderboard", "show"), inside("leaderboard", "show")
    assert first[0] == 0
    assert "protonet" in first[1]
    assert again == first
    assert len(built) == 1


def test_a_new_result_is_in_the_next_table(inside, make_result, built):
    make_result("protonet")
    inside("leaderboard", "show")
    make_result("maml", skill=2.0)
    _, table, _ = inside("leaderboard", "show")
    assert table.index("maml") < table.index("protonet")
    assert len(built) == 2


def test_outcomes_that_were_edited_since_are_shown_as_damaged(inside, make_result):
    folder = make_result("protonet")
    assert "damaged" not in inside("leaderboard", "show")[1]
    content = bytearray((folder / "outcomes.parquet").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "outcomes.parquet").write_bytes(content)
    assert "damaged" in inside("leaderboard", "show")[1]


def test_what_cannot_be_read_is_told_each_time(inside, make_result):
    folder = make_result("protonet")
    shutil.copytree(folder, folder.with_name("copy"))
    told = [inside("leaderboard", "show")[2] for _ in range(2)]
    assert "is the same run as" in told[0]
    assert told[1] == told[0]


def test_formats_and_benchmarks_are_told_apart(inside, make_result):
    make_result("protonet")
    make_result("maml", benchmark={"name": "other-2w1s", "stream_seed": 1})
    tables = [
        inside("leaderboard", "show", *options)[1]
        for options in ((), ("--format", "csv"), ("--benchmark", "other-2w1s"), ())
    ]
    assert "toy-2w1s" in tables[0]
    assert tables[1].startswith("benchmark,")
    assert "toy-2w1s" not in tables[2]
    assert tables[3] == tables[0]


def test_a_benchmark_without_results_is_refused(inside, make_result):
    make_result("protonet")
    code, _, told = inside("leaderboard", "show", "--benchmark", "toy-2w2s")
    assert code == 2
    assert "Did you mean 'toy-2w1s'?" in told
