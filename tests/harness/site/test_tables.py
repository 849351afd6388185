"""The tables of a leaderboard: what stands in a row, what it is sorted by, what is left out."""

from pathlib import Path

import pytest

from metabench.leaderboards import text
from metabench.site.page import Table
from metabench.site.tables import costs_table, scores_table, tone_of


def column(table: Table, title: str) -> list[str]:
    place = [one.title for one in table.columns].index(title)
    return [row[place].text for row in table.rows]


def orders(table: Table, title: str) -> list[float | None]:
    place = [one.title for one in table.columns].index(title)
    return [row[place].order for row in table.rows]


@pytest.fixture
def boards(site) -> dict:
    return dict(zip(site.contents.board_names, site.contents.boards, strict=True))


@pytest.fixture
def grocery(boards):
    return next(board for name, board in boards.items() if name.startswith("grocery"))


def test_rows_stand_as_on_the_board_with_their_ranks_and_scores(site, grocery) -> None:
    table = scores_table(grocery, text.groups(grocery), site.contents)
    assert column(table, "rank")[:3] == ["1–2", "1–2", "3"]
    mean = grocery.rows[0].score.mean
    assert column(table, "accuracy [95 % interval]")[0].startswith(f"{100 * mean:.2f} [")
    assert orders(table, "accuracy [95 % interval]")[0] == mean


def test_those_without_rank_sort_behind_all_others(site, grocery) -> None:
    table = scores_table(grocery, text.groups(grocery), site.contents)
    assert column(table, "rank")[-2:] == ["–", "–"]
    told = orders(table, "rank")
    assert told == sorted(told)
    assert told[-2] > 1e6


def test_ties_share_a_letter_and_those_without_rank_have_none(site, grocery) -> None:
    told = column(scores_table(grocery, text.groups(grocery), site.contents), "group")
    assert told[0] == told[1] == "a"
    assert "a" not in told[2:]
    assert told[-2:] == ["–", "–"]


def test_a_verdict_and_a_failure_stand_out(site, grocery) -> None:
    table = scores_table(grocery, text.groups(grocery), site.contents)
    place = [one.title for one in table.columns].index("audit")
    tones = {row[place].text: row[place].tone for row in table.rows}
    assert tones == {"inductive": "quiet", "transductive": "bad"}
    assert "damaged" in column(table, "status")


@pytest.mark.parametrize(
    ("status", "tone"),
    [("ok", "good"), ("3 of 3 ok", "good"), ("2 of 3 ok", "bad"), ("timeout", "bad"), ("1 of 11 ok", "bad")],
)
def test_a_status_is_good_where_all_is_ok(status: str, tone: str) -> None:
    assert tone_of(status) == tone


def test_each_seed_leads_to_its_own_result(site, grocery) -> None:
    table = scores_table(grocery, text.groups(grocery), site.contents)
    place = [one.title for one in table.columns].index("seeds")
    name = [one.title for one in table.columns].index("algorithm")
    row = next(row for row in table.rows if row[name].links[0].text == "maml")
    assert [link.text for link in row[place].links] == ["0", "1", "2"]
    assert len({link.href for link in row[place].links}) == 3
    assert row[place].order == 3
    assert all((site.folder / "boards" / link.href).is_file() for link in row[place].links)


def test_a_column_that_tells_nothing_is_left_out(site, boards) -> None:
    sixty = next(board for name, board in boards.items() if "-60s-" in name)
    titles = [one.title for one in scores_table(sixty, text.groups(sixty), site.contents).columns]
    assert "coverage" not in titles
    assert "worst seed" not in titles
    assert "negative log-likelihood" in titles


def test_costs_have_units_and_sort_by_amounts(site, boards) -> None:
    sixty = next(board for name, board in boards.items() if "-60s-" in name)
    table = costs_table(sixty, site.contents)
    assert column(table, "parameters")[0] == "112,000"
    assert column(table, "peak memory")[0].endswith(" MiB")
    assert orders(table, "peak memory")[0] == sixty.rows[0].peak_memory_mib
    assert column(table, "test episode")[0] == "0.09 s"


def test_the_sites_tables_are_those_of_the_board_page(site, boards) -> None:
    name, board = next(iter(boards.items()))
    html = (Path(site.folder) / "boards" / f"{name}.html").read_text()
    table = scores_table(board, text.groups(board), site.contents)
    for score in column(table, "accuracy [95 % interval]"):
        assert f">{score}</td>" in html
