"""Groups of ties: two methods share one if and only if they are tied."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.scoring.groups import tie_groups


def ties(n_methods: int, *pairs: tuple[int, int]) -> np.ndarray:
    tied = np.eye(n_methods, dtype=bool)
    for one, other in pairs:
        tied[one, other] = tied[other, one] = True
    return tied


def all_maximal_sets(tied: np.ndarray) -> set[frozenset[int]]:
    """By trying all sets."""
    methods = range(len(tied))
    sets = [frozenset(one) for size in range(1, len(tied) + 1) for one in combinations(methods, size)]
    alike = [one for one in sets if all(tied[i, j] for i, j in combinations(one, 2))]
    return {one for one in alike if not any(one < other for other in alike)}


@pytest.mark.parametrize(
    ("tied", "groups"),
    [
        (ties(0), []),
        (ties(1), [(0,)]),
        (ties(3), [(0,), (1,), (2,)]),
        (ties(3, (0, 1), (1, 2)), [(0, 1), (1, 2)]),
        (ties(4, (0, 1), (0, 2), (1, 2), (2, 3)), [(0, 1, 2), (2, 3)]),
        (ties(3, (0, 2)), [(0, 2), (1,)]),
    ],
)
def test_ties_become_groups(tied: np.ndarray, groups: list[tuple[int, ...]]) -> None:
    assert tie_groups(tied, np.arange(len(tied))) == groups


def test_groups_and_their_members_stand_in_the_order_given() -> None:
    assert tie_groups(ties(3, (0, 2)), np.array([2, 1, 0])) == [(2, 0), (1,)]


@given(st.integers(1, 7), st.integers(0, 2**21 - 1))
def test_two_methods_share_a_group_if_and_only_if_they_are_tied(n_methods: int, drawn: int) -> None:
    pairs = [pair for bit, pair in enumerate(combinations(range(n_methods), 2)) if drawn >> bit & 1]
    tied = ties(n_methods, *pairs)

    groups = [frozenset(group) for group in tie_groups(tied, np.arange(n_methods))]

    shared = {pair for pair in combinations(range(n_methods), 2) if any(set(pair) <= one for one in groups)}
    assert shared == set(pairs)
    assert set(groups) <= all_maximal_sets(tied)
    assert len(groups) == len(set(groups))


def test_where_ties_are_runs_of_the_order_the_groups_are_all_of_them() -> None:
    places = np.sort(np.random.default_rng(0).uniform(0, 5, 12))
    tied = np.abs(places[:, None] - places) < 1.2

    groups = tie_groups(tied, np.arange(12))

    assert {frozenset(group) for group in groups} == all_maximal_sets(tied)
    assert all(group == tuple(range(group[0], group[-1] + 1)) for group in groups)
