"""miniImageNet: the published caches in, classes out; and what becomes of other pickles."""

import pickle
from collections import Counter

import numpy as np
import pytest

from metabench.errors import DataError
from metabench_plugins.datasets import miniimagenet
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets.miniimagenet import MINIIMAGENET, SPLIT_FILE

SPLIT = (
    """{"meta_train": ["n01532829", "n01558993"], "meta_val": ["n01855672"], "meta_test": ["n01930112"]}"""
)
CLASSES = {
    "train": {"n01558993": [0, 2], "n01532829": [1, 3]},
    "validation": {"n01855672": [0, 1]},
    "test": {"n01930112": [1, 0]},
}


def cache(part, **changes):
    """A cache as published: image i has red 10 i, green 10 i + 1, blue 10 i + 2, and a white corner."""
    members = CLASSES[part]
    n_images = sum(map(len, members.values()))
    colours = 10 * np.arange(n_images)[:, None, None, None] + np.arange(3)
    images = np.broadcast_to(colours, (n_images, 84, 84, 3)).astype(np.uint8)
    images[:, 0, 83] = 255
    return {"image_data": images, "class_dict": members, **changes}


@pytest.fixture
def build(tmp_path):
    def from_caches(**caches):
        """Build from caches of the test, given as pickles, and from whole ones."""
        for part in CLASSES:
            content = caches.get(part, pickle.dumps(cache(part), 2))
            (tmp_path / f"mini-imagenet-cache-{part}.pkl").write_bytes(content)
        (tmp_path / "split.json").write_text(SPLIT)
        files = {f"miniimagenet/{path.name}": path for path in tmp_path.glob("*.pkl")}
        return list(miniimagenet.build(files, tmp_path / "split.json"))

    return from_caches


def test_the_split_is_complete():
    split = read_split(SPLIT_FILE)

    assert Counter(split.values()) == {"meta_train": 64, "meta_val": 16, "meta_test": 20}
    assert all(miniimagenet._WORDNET_ID.fullmatch(name) for name in split)
    assert split["n01532829"] == "meta_train"


def test_the_hook_declares_miniimagenet():
    assert miniimagenet.metabench_datasets() == [MINIIMAGENET]
    assert [source.path for source in MINIIMAGENET.sources] == [
        f"miniimagenet/mini-imagenet-cache-{part}.pkl" for part in CLASSES
    ]


def test_caches_become_classes(build):
    classes = build()

    assert [(c.name, c.split, c.examples.shape, c.examples.dtype.name) for c in classes] == [
        ("n01532829", "meta_train", (2, 3, 84, 84), "uint8"),
        ("n01558993", "meta_train", (2, 3, 84, 84), "uint8"),
        ("n01855672", "meta_val", (2, 3, 84, 84), "uint8"),
        ("n01930112", "meta_test", (2, 3, 84, 84), "uint8"),
    ]
    assert classes[0].examples[:, :, 5, 7].tolist() == [[10, 11, 12], [30, 31, 32]]
    assert classes[0].examples[0, :, 0, 83].tolist() == [255, 255, 255]


def test_caches_of_python_2_are_read(build, python2_pickle):
    assert np.array_equal(build(train=python2_pickle(cache("train")))[0].examples, build()[0].examples)


def test_classes_may_have_names_of_other_kinds(build):
    other = pickle.dumps(cache("test", class_dict={"jellyfish": np.array([0, 1])}))

    assert build(test=other)[-1].name == "jellyfish"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"class_dict": {"n01532829": [0, 1]}}, "class 'n01532829' of another split"),
        ({"class_dict": {"n01930112": [0], "n01532829": [1]}}, "2 classes, not 1"),
        ({"class_dict": {"n01930112": [0, 2]}}, "class 'n01930112' has numbers that no image has"),
        ({"class_dict": {"n01930112": [-1]}}, "class 'n01930112' has numbers that no image has"),
        ({"class_dict": {"n01930112": []}}, "class 'n01930112' has numbers that no image has, or none"),
        ({"class_dict": [1]}, "entry 'class_dict' is of type list"),
        ({"image_data": np.zeros((2, 32, 32, 3), np.uint8)}, "uint8 images of shape (2, 32, 32, 3)"),
        ({"image_data": np.zeros((2, 84, 84, 3), np.int32)}, "int32 images of shape (2, 84, 84, 3)"),
    ],
)
def test_reports_a_cache_that_makes_no_sense(build, changes, reason):
    with pytest.raises(DataError, match=r"^Pickle 'mini-imagenet-cache-test\.pkl' cannot be used") as caught:
        build(test=pickle.dumps(cache("test", **changes), 2))
    assert reason in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"<html>404</html>", pickle.dumps(cache("test"))[:-9]])
def test_reports_a_cache_that_is_no_pickle(build, content):
    with pytest.raises(DataError, match=r"^Pickle 'mini-imagenet-cache-test\.pkl' cannot be used"):
        build(test=content)


def test_a_pickle_that_would_run_something_is_refused(build, tmp_path):
    class Malicious:
        def __reduce__(self):
            return (tmp_path / "made").mkdir, ()

    with pytest.raises(DataError, match=r"which is not allowed"):
        build(test=pickle.dumps(Malicious()))
    assert not (tmp_path / "made").exists()
