"""The first page: leaderboards, leaders, problems."""

import re
from dataclasses import replace

from metabench.site import overview as module
from metabench.site.overview import overview_page


def test_it_counts_what_there_is(site) -> None:
    assert re.fullmatch(
        r"74 results, 3 of them failed: 17 algorithms on 4 benchmarks, 5 leaderboards\.",
        overview_page(site.contents).summary,
    )


def test_a_row_names_the_leaders_the_best_score_and_the_failures(site) -> None:
    page = overview_page(site.contents)
    titles = [column.title for column in page.boards.columns]
    rows = [dict(zip(titles, row, strict=True)) for row in page.boards.rows]
    clinc = next(row for row in rows if row["benchmark"].links[0].text == "clinc150-5w1s")
    board = next(one for one in site.contents.boards if one.track.benchmark.name == "clinc150-5w1s")
    assert clinc["leading"].text == "feat, protonet"
    assert clinc["best score"].order == board.rows[0].score.mean
    assert (clinc["failed"].text, clinc["failed"].tone) == ("1", "bad")
    assert clinc["results"].order == sum(row.n_seeds for row in board.rows)


def test_budgets_sort_by_their_amount(site) -> None:
    page = overview_page(site.contents)
    assert {row[1].text: row[1].order for row in page.boards.rows} == {"60s": 60.0, "300s": 300.0}


def test_many_leaders_are_counted(site, monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST_BEST", 1)
    told = [row[2].text for row in overview_page(site.contents).boards.rows]
    assert "feat and 1 more" in told


def test_many_leaderboards_are_cut_with_their_number(site, monkeypatch) -> None:
    assert len(overview_page(site.contents).about) == 1
    monkeypatch.setattr(module, "_MOST_BOARDS", 3)
    page = overview_page(site.contents)
    assert len(page.boards.rows) == 3
    assert page.about[-1].startswith("Shown are the first 3 of 5 leaderboards; ")


def test_many_results_on_no_leaderboard_are_cut_with_their_number(site, monkeypatch) -> None:
    monkeypatch.setattr(module, "_MOST_APART", 50)
    page = overview_page(replace(site.contents, boards=()))
    assert len(page.apart) == 50
    assert page.more_apart == f"… and {len(site.contents.runs) - 50} more."
    assert overview_page(site.contents).more_apart == ""


def test_leaderboards_that_differ_in_the_benchmark_alone_are_summed_up(site) -> None:
    (section,) = overview_page(site.contents).sections
    assert section.title == "Across 4 benchmarks: 300s, cpu-2, fp32, no pretraining"
    assert [row[2].text for row in section.table.rows[:2]] == ["feat", "protonet"]


def test_many_problems_are_cut_with_their_number(site) -> None:
    contents = replace(site.contents, problems=tuple(f"problem {number}\x1b" for number in range(300)))
    told = overview_page(contents).problems
    assert told[0] == "problem 0\\x1b"
    assert told[-1] == "… and 100 more."
    assert len(told) == 201


def test_a_result_that_a_later_run_has_replaced_is_named_apart(site) -> None:
    first = site.contents.boards[0]
    gone = first.rows[0].identities[0]
    later = replace(first.rows[0], identities=first.rows[0].identities[1:] or first.rows[1].identities)
    changed = replace(first, rows=(later, *first.rows[1:]))
    contents = replace(site.contents, boards=(changed, *site.contents.boards[1:]))
    apart = overview_page(contents).apart
    assert f"results/{site.contents.result_names[gone]}.html" in [link.href for link in apart]
    assert overview_page(site.contents).apart == ()
