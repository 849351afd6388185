"""The matrix says of every two methods what their comparison says."""

from dataclasses import replace

import numpy as np
import pytest

from metabench.scoring.compare import Comparisons
from metabench.site.page import Link
from metabench.site.significance import matrix_of


@pytest.fixture
def board(site):
    return next(one for one in site.contents.boards if one.track.benchmark.name == "grocery-5w5s")


def links(n: int) -> list[Link]:
    return [Link(f"method{place}", "") for place in range(n)]


def compared(board, means: list[float], p_values: list[list[float]], *, higher_is_better: bool = True):
    told = Comparisons(np.array(means), np.array(p_values), higher_is_better)
    return matrix_of(replace(board, comparisons=told), links(len(means)))


def test_a_difference_is_coloured_where_it_is_significant(board) -> None:
    p_values = [[1.0, 0.2, 0.001], [0.2, 1.0, 0.05], [0.001, 0.05, 1.0]]
    rows = compared(board, [0.9, 0.88, 0.5], p_values).rows
    told = [[cell and (cell.text, cell.tone, cell.about) for cell in row] for row in rows]
    assert told == [
        [None, ("+2.0", "quiet", "p = 0.2"), ("+40.0", "good", "p = 0.001")],
        [("−2.0", "quiet", "p = 0.2"), None, ("+38.0", "good", "p = 0.05")],
        [("−40.0", "bad", "p = 0.001"), ("−38.0", "bad", "p = 0.05"), None],
    ]


def test_where_lower_is_better_the_lower_one_is_good(board) -> None:
    p_values = [[1.0, 0.01], [0.01, 1.0]]
    rows = compared(board, [0.1, 0.3], p_values, higher_is_better=False).rows
    assert (rows[0][1].tone, rows[1][0].tone) == ("good", "bad")


def test_it_is_that_of_the_ranked_methods_in_the_boards_order(site, board) -> None:
    n_ranked = sum(row.rank is not None for row in board.rows)
    matrix = matrix_of(board, links(len(board.rows)))
    assert [link.text for link in matrix.methods] == [f"method{place}" for place in range(n_ranked)]
    low, high = board.rows[2].rank
    assert sum(cell is not None and cell.tone == "bad" for cell in matrix.rows[2]) == low - 1
    assert sum(cell is not None and cell.tone == "good" for cell in matrix.rows[2]) == n_ranked - high


@pytest.mark.parametrize("n", [0, 1])
def test_fewer_than_two_methods_make_no_matrix(board, n: int) -> None:
    assert compared(board, [0.5] * n, np.ones((n, n))) is None


def test_of_many_methods_the_first_are_shown_and_the_rest_counted(board) -> None:
    matrix = compared(board, np.linspace(1, 0, 30), np.ones((30, 30)))
    assert len(matrix.methods) == len(matrix.rows) == len(matrix.rows[0]) == 24
    assert matrix.about.endswith("Shown are the first 24 of 30.")
