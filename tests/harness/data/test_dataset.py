"""The records of an open dataset, and the hashes that name its content."""

import numpy as np
import pytest

from metabench.data.dataset import Dataset, Pool, class_digest, combine_digests
from metabench.data.recipe import ClassExamples

EXAMPLES = np.arange(24, dtype=np.uint8).reshape(2, 1, 3, 4)


def test_a_pool_tells_the_sizes_of_its_classes() -> None:
    pool = Pool(np.zeros((9, 1, 2, 2), np.uint8), np.array([0, 4, 5, 9]), ("a", "b", "c"))

    assert pool.sizes.tolist() == [4, 1, 4]


def test_a_dataset_tells_the_shape_of_an_example() -> None:
    pool = Pool(EXAMPLES, np.array([0, 2]), ("a",))
    dataset = Dataset("any", "image", {"meta_test": pool}, content_hash="", split_hash="")

    assert dataset.example_shape == (1, 3, 4)


def test_the_digest_of_a_class_is_pinned() -> None:
    digest = class_digest(ClassExamples("a", "meta_train", EXAMPLES))

    assert digest == "c01c531c1ba48c2a1625a7f7363943439092c14d30d190b48cbe3bd17abdedb3"


@pytest.mark.parametrize(
    "other",
    [
        ClassExamples("b", "meta_train", EXAMPLES),
        ClassExamples("a", "meta_train", EXAMPLES[::-1]),
        ClassExamples("a", "meta_train", EXAMPLES.reshape(2, 1, 4, 3)),
        ClassExamples("a", "meta_train", EXAMPLES[:1]),
    ],
    ids=["name", "order of examples", "shape", "number of examples"],
)
def test_the_digest_of_a_class_tells_content_apart(other: ClassExamples) -> None:
    assert class_digest(other) != class_digest(ClassExamples("a", "meta_train", EXAMPLES))


def test_the_digest_of_a_class_knows_no_memory_layout() -> None:
    turned = np.asfortranarray(EXAMPLES)

    assert class_digest(ClassExamples("a", "meta_train", turned)) == class_digest(
        ClassExamples("a", "meta_train", EXAMPLES)
    )


def test_the_combined_digest_knows_no_order() -> None:
    assert combine_digests(["b", "a", "c"]) == combine_digests(["c", "b", "a"])
    assert combine_digests(["a", "b"]) != combine_digests(["a", "c"])
