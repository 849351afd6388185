"""The records of an open dataset, and the hashes that name its content."""

import numpy as np
import pytest

from metabench.data.dataset import Dataset, Pool, class_digest, classes_of, combine_digests
from metabench.data.recipe import ClassExamples
from metabench.data.texts import pack

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


def test_the_digest_of_texts_is_pinned() -> None:
    digest = class_digest(ClassExamples("a", "meta_train", ("one", "zwölf")))

    assert digest == "9420a1ec9017e48f717c2daf0a1f1a202c96349f758c7b6a60a46a718cb0ca99"


@pytest.mark.parametrize(
    "texts", [("onezwölf",), ("onez", "wölf"), ("zwölf", "one"), ("one", "zwölf", "x"), ("one",)]
)
def test_the_digest_of_texts_tells_them_apart(texts: tuple[str, ...]) -> None:
    one, other = (ClassExamples("a", "meta_train", examples) for examples in (("one", "zwölf"), texts))

    assert class_digest(one) != class_digest(other)


def test_the_classes_of_a_pool_are_those_it_was_made_of() -> None:
    images = list(classes_of(Pool(EXAMPLES, np.array([0, 1, 2]), ("a", "b")), "meta_val"))
    texts = list(classes_of(Pool(pack(["x", "y", "z"]), np.array([0, 2, 3]), ("a", "b")), "meta_val"))

    assert [(one.name, one.split) for one in images] == [("a", "meta_val"), ("b", "meta_val")]
    assert np.array_equal(images[1].examples, EXAMPLES[1:])
    assert texts == [ClassExamples("a", "meta_val", ("x", "y")), ClassExamples("b", "meta_val", ("z",))]


def test_token_ids_are_no_classes_of_a_recipe() -> None:
    with pytest.raises(TypeError, match="int64 examples; expected images or texts"):
        list(classes_of(Pool(np.zeros((2, 3), np.int64), np.array([0, 2]), ("a",)), "meta_val"))
