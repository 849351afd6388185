"""The page of a leaderboard, and how a long one is told in parts."""

import pytest

from metabench.leaderboards import text
from metabench.site import board as module
from metabench.site.board import board_pages


@pytest.fixture
def board(site):
    return next(one for one in site.contents.boards if one.track.budget.seconds == 60)


def pages_of(board, site) -> dict:
    return dict(board_pages(board, "name", site.contents))


def test_it_tells_the_rules_and_the_benchmark(site, board) -> None:
    page = pages_of(board, site)["name"]
    assert (page.title, page.subtitle) == ("omniglot-5w1s", "accuracy in %, 100 episodes")
    assert page.rules[0].startswith("Budget: 60 s of meta-training, 8192 MiB, 10 s per test episode.")
    facts = {fact.name: fact.value for fact in page.facts.facts}
    assert facts["sha256 of the episodes"] == board.track.benchmark.manifest_hash
    assert facts["protocol"] == "5w1s (n_way 5, n_shot 1, n_query 15)"


def test_other_boards_of_the_benchmark_are_told_apart_by_their_rules(site, board) -> None:
    (other,) = pages_of(board, site)["name"].others
    assert other.text == "300s, cpu-2, fp32"
    assert (site.folder / "boards" / other.href).is_file()


def test_the_legend_names_those_who_have_a_colour_and_counts_the_rest_as_others(site, board) -> None:
    legend = pages_of(board, site)["name"].legend
    assert [entry.number for entry in legend] == [1, 2, 3, 4, 5, 6, 7, 8, 0]
    assert [entry.link.text for entry in legend][:2] == [row.algorithm for row in board.rows[:2]]
    assert legend[-1].link.text == "others"


def test_a_long_board_is_told_in_parts_that_lead_to_each_other(site, board, monkeypatch) -> None:
    monkeypatch.setattr(module, "PER_PAGE", 4)
    pages = pages_of(board, site)
    assert list(pages) == ["name", "name.2", "name.3"]
    shown = [row[2].links[0].text for page in pages.values() for row in page.table.rows]
    assert shown == [row.algorithm for row in board.rows]
    assert [row[1].text for page in pages.values() for row in page.table.rows] == text.groups(board)
    assert {tuple((link.text, link.href) for link in page.parts) for page in pages.values()} == {
        (("1–4", "name.html"), ("5–8", "name.2.html"), ("9–10", "name.3.html"))
    }
    assert [bool(page.plots) for page in pages.values()] == [True, False, False]
    assert [page.matrix is not None for page in pages.values()] == [True, False, False]


def test_a_board_that_fits_has_no_parts(site, board) -> None:
    assert pages_of(board, site)["name"].parts == ()


def test_many_notes_are_cut_with_their_number(site, monkeypatch) -> None:
    board = next(one for one in site.contents.boards if one.track.benchmark.name == "grocery-5w5s")
    monkeypatch.setattr(module, "_MOST_NOTES", 0)
    assert pages_of(board, site)["name"].notes == ("… and 1 more.",)
