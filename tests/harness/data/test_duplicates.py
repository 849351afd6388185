"""Examples that stand in two splits."""

import numpy as np
import pytest

from metabench.data.duplicates import find_duplicates, fingerprint
from metabench.data.recipe import ClassExamples, Split


def found(*classes: tuple[str, Split, str]) -> tuple[str, ...]:
    """The duplicates among classes of one-letter texts."""
    return find_duplicates(
        [fingerprint(ClassExamples(name, split, tuple(texts))) for name, split, texts in classes]
    )


def test_each_is_named_with_the_first_of_its_like() -> None:
    assert found(
        ("a", "meta_train", "xyx"),
        ("b", "meta_train", "y"),
        ("c", "meta_val", "zy"),
        ("d", "meta_test", "wxz"),
    ) == (
        "meta_val 'c' number 1 = meta_train 'a' number 1",
        "meta_test 'd' number 1 = meta_train 'a' number 0",
        "meta_test 'd' number 2 = meta_val 'c' number 0",
    )


def test_what_stands_twice_in_one_split_leaks_nothing() -> None:
    assert found(("a", "meta_train", "xx"), ("b", "meta_train", "x"), ("c", "meta_test", "yy")) == ()


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray])
def test_images_are_compared_by_their_pixels(layout: type) -> None:
    images = np.arange(24, dtype=np.uint8).reshape(2, 3, 2, 2)
    classes = [
        ClassExamples("a", "meta_train", layout(images)),
        ClassExamples("b", "meta_test", images[1:].copy()),
    ]

    assert find_duplicates([fingerprint(one) for one in classes]) == (
        "meta_test 'b' number 0 = meta_train 'a' number 1",
    )
