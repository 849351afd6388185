"""Splits of classes, drawn."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.data.class_split import FEWEST_CLASSES, draw_splits
from metabench.data.recipe import SPLITS

NAMES = [f"class {number}" for number in range(100)]


def sizes(splits):
    return tuple(list(splits.values()).count(split) for split in SPLITS)


@pytest.mark.parametrize(
    ("n_classes", "expected"),
    [(15, (5, 5, 5)), (20, (10, 5, 5)), (40, (26, 6, 8)), (100, (64, 16, 20)), (1000, (640, 160, 200))],
)
def test_the_shares_are_64_16_and_20_per_cent_and_five_classes_at_least(n_classes, expected) -> None:
    assert sizes(draw_splits(map(str, range(n_classes)), 0)) == expected


@given(st.sets(st.text(), min_size=FEWEST_CLASSES), st.integers())
def test_every_class_is_in_one_split_whatever_the_order(names, seed) -> None:
    splits = draw_splits(names, seed)

    assert set(splits) == names
    assert min(sizes(splits)) >= 5
    assert draw_splits(sorted(names, reverse=True), seed) == splits


def test_another_seed_is_another_draw() -> None:
    assert draw_splits(NAMES, 0) != draw_splits(NAMES, 1)


def test_the_draw_is_pinned() -> None:
    splits = draw_splits(NAMES, 0)
    in_val = [name for name in NAMES if splits[name] == "meta_val"]

    assert in_val[:4] == ["class 4", "class 5", "class 8", "class 16"]
