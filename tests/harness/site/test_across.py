"""Methods across benchmarks: what may be compared, every score, and every gap."""

from __future__ import annotations

from dataclasses import replace

import pytest

from metabench.leaderboards.table import Leaderboard
from metabench.site import across as module
from metabench.site import profile
from metabench.site.across import sections_of
from metabench.site.contents import Contents
from metabench.site.numbers import LAST
from metabench.site.overview import overview_page
from metabench.site.page import Cell, Section
from metabench.site.render import Renderer


def contents_of(*boards: Leaderboard) -> Contents:
    return Contents(boards=boards, runs={}, folders={}, problems=(), metrics={}, renderers=())


def only_section(*boards: Leaderboard) -> Section:
    (section,), more = sections_of(contents_of(*boards))
    assert more == ""
    return section


def cells(section: Section) -> dict[str, dict[str, Cell]]:
    """Cells by method, and by the column's title or the benchmark above it."""
    titles = [one.above.text if one.above else one.title for one in section.table.columns]
    rows = [dict(zip(titles, row, strict=True)) for row in section.table.rows]
    return {row["method"].text: row for row in rows}


@pytest.fixture
def gaps(board, row) -> tuple[Leaderboard, ...]:
    """Three benchmarks on which all kinds of gaps occur."""
    failed_seed = row("half", 0.9, n_seeds=2, status="1 of 2 ok", coverage=0.5)
    return (
        board("a-5w1s", row("whole", 0.9), failed_seed, row("timed", 0.8), row("looks", 0.7)),
        board("b-5w1s", row("whole", 0.9), failed_seed, row("timed", 0.0, score=None, status="timeout")),
        board(
            "c-5w1s",
            row("whole", 0.9),
            failed_seed,
            row("timed", 0.8),
            row("looks", 0.7, is_ranked=False, verdict="transductive"),
        ),
    )


def test_the_heading_tells_the_rules_that_are_the_same(board, row) -> None:
    rows = (row("one", 0.9), row("two", 0.8))
    same = [board(name, *rows) for name in ("a-5w1s", "b-5w1s")]
    section = only_section(*same, board("a-5w1s", *rows, precision="bf16"))
    budget = same[0].track.budget.name
    assert section.title == f"Across 2 benchmarks: {budget}, cpu-2, fp32, no pretraining"
    assert section.rules.endswith("Device: cpu-2, fp32. Track: no pretraining.")


def test_other_rules_are_another_section_the_one_with_the_most_scores_first(board, row) -> None:
    few = [board(name, row("one", 0.9), precision="bf16") for name in ("a-5w1s", "b-5w1s")]
    many = [board(name, row("one", 0.9), row("two", 0.8), pretrained=True) for name in ("a-5w1s", "b-5w1s")]
    sections, _ = sections_of(contents_of(*few, *many))
    assert [one.title.split(", ", 1)[1] for one in sections] == [
        "cpu-2, fp32, pretrained",
        "cpu-2, bf16, no pretraining",
    ]
    assert [one.name for one in sections] == ["across-1", "across-2"]
    assert [one.table.name for one in sections] == ["methods-across-1", "methods-across-2"]


def test_one_benchmark_has_nothing_to_sum_up(board, row) -> None:
    assert sections_of(contents_of(board("a-5w1s", row("one", 0.9)))) == ((), "")


def test_each_benchmark_has_a_column_that_leads_to_its_page(gaps) -> None:
    contents = contents_of(*gaps)
    (section,), _ = sections_of(contents)
    above = [column.above for column in section.table.columns]
    assert above[:4] == [None] * 4
    assert [(one.text, one.href) for one in above[4:]] == [
        (board.track.benchmark.name, f"boards/{name}.html")
        for board, name in zip(gaps, contents.board_names, strict=True)
    ]
    assert {column.title for column in section.table.columns[4:]} == {"accuracy in %"}


def test_a_method_on_all_benchmarks_has_its_average_rank_and_scores(gaps) -> None:
    told = cells(only_section(*gaps))["whole"]
    assert {title: cell.text for title, cell in told.items()} == {
        "average rank": "1.00",
        "group": "a",
        "method": "whole",
        "benchmarks": "3 of 3",
        "a-5w1s": "90.00",
        "b-5w1s": "90.00",
        "c-5w1s": "90.00",
    }
    assert told["average rank"].order == 1.0
    assert told["a-5w1s"].order == pytest.approx(0.9)


def test_a_failed_run_is_named_in_the_place_of_its_score(gaps) -> None:
    told = cells(only_section(*gaps))["timed"]
    assert (told["b-5w1s"].text, told["b-5w1s"].tone) == ("timeout", "bad")
    assert (told["benchmarks"].text, told["benchmarks"].tone) == ("2 of 3", "bad")
    assert (told["average rank"].text, told["average rank"].order) == ("–", LAST)


def test_what_the_audit_found_stands_in_the_place_of_a_score(gaps) -> None:
    told = cells(only_section(*gaps))["looks"]
    assert [told[name].text for name in ("a-5w1s", "b-5w1s", "c-5w1s")] == ["70.00", "–", "transductive"]
    assert told["b-5w1s"].tone == "quiet"


def test_failed_seeds_count_as_guessing_and_are_told(gaps) -> None:
    section = only_section(*gaps)
    told = cells(section)["half"]["a-5w1s"]
    assert (told.text, told.tone) == ("55.00 (1 of 2 ok)", "bad")
    assert any("count as guessing" in line for line in section.explanations)


def test_a_row_without_a_rank_for_no_named_reason_says_so_much(board, row) -> None:
    unranked = row("one", 0.9, is_ranked=False)
    section = only_section(
        board("a-5w1s", row("one", 0.9)), board("b-5w1s", unranked), board("c-5w1s", row("one", 0.9))
    )
    assert cells(section)["one"]["b-5w1s"].text == "no rank"


def test_gaps_are_explained_only_where_there_are_any(board, row, gaps) -> None:
    whole = only_section(*(board(name, row("one", 0.9), row("two", 0.8)) for name in ("a-5w1s", "b-5w1s")))
    assert whole.explanations == (module._ABOUT_RANK,)
    assert module._ABOUT_GAPS in only_section(*gaps).explanations


def test_of_many_benchmarks_some_have_a_column_and_all_a_link(board, row, monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST_BENCHMARKS", 2)
    names = ["a-5w1s", "b-5w1s", "c-5w1s", "d-5w1s"]
    section = only_section(*(board(name, row("one", 0.9), row("two", 0.8)) for name in names))
    assert [one.above.text for one in section.table.columns[4:]] == ["a-5w1s", "b-5w1s"]
    assert [one.text for one in section.others] == ["c-5w1s", "d-5w1s"]
    assert "2 of 4 benchmarks have a column; all of them count." in section.explanations
    assert all(len(told) == 6 for told in section.table.rows)
    assert cells(section)["one"]["benchmarks"].text == "4 of 4"


def test_of_many_methods_the_first_are_shown_and_all_are_counted(board, row, monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST_METHODS", 3)
    rows = [row(f"m{place}", 0.9 - 0.01 * place) for place in range(5)]
    section = only_section(*(board(name, *rows) for name in ("a-5w1s", "b-5w1s")))
    assert [told[2].text for told in section.table.rows] == ["m0", "m1", "m2"]
    assert "Shown are the first 3 of 5 methods; all of them count." in section.explanations
    assert section.ranks.ticks[-1].text == "5"


def test_of_many_sets_of_rules_the_rest_is_counted(board, row) -> None:
    boards = [
        board(name, row("one", 0.9), row("two", 0.8), device_class=f"cpu-{number}")
        for number in range(8)
        for name in ("a-5w1s", "b-5w1s")
    ]
    sections, more = sections_of(contents_of(*boards))
    assert len(sections) == module.MOST_SECTIONS == 5
    assert more == "… and 3 more sets of rules."


def test_scores_in_other_units_say_so_in_their_column(board, row) -> None:
    first, second = (board(name, row("one", 0.9), row("two", 0.8)) for name in ("a-5w1s", "b-5w1s"))
    section = only_section(first, replace(second, metric_title="distance", as_percent=False))
    assert [column.title for column in section.table.columns[4:]] == ["accuracy in %", "distance"]
    assert cells(section)["one"]["b-5w1s"].text == "0.9000"


def test_the_page_stays_small_however_much_there_is_to_sum_up(board, row, monkeypatch) -> None:
    monkeypatch.setattr(profile, "draw", lambda *_: "")
    rows = [row(f"method-{place}", 0.9 - 0.001 * place) for place in range(60)]
    first = board("a-5w1s", *rows)
    boards = [
        replace(first, track=replace(first.track, benchmark=benchmark, device_class=f"cpu-{number}"))
        for number in range(20)
        for benchmark in (
            first.track.benchmark.model_copy(update={"name": f"benchmark{place}-5w1s"}) for place in range(60)
        )
    ]
    contents = contents_of(*boards)
    page = overview_page(contents)
    assert len(page.sections) == 5
    assert len(page.boards.rows) == 1000
    assert 300_000 < len(Renderer().render(page)) < 1_000_000
