"""CIFAR-FS: the pickled batches of CIFAR-100 in, classes out; and what becomes of other archives."""

import gzip
import io
import pickle
import tarfile
from collections import Counter

import numpy as np
import pytest

from metabench.errors import DataError
from metabench_plugins.datasets import _cifar100
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets.cifar_fs import CIFAR_FS, SPLIT_FILE, metabench_datasets

FINE = ["apple", "maple_tree", "oak_tree", "pear"]
COARSE = ["fruit_and_vegetables", "trees"]
LABELS = {"train": [1, 0, 2, 3, 1, 1], "test": [2, 1, 0, 3]}
BY_CLASS = """{"meta_train": ["trees/oak_tree", "fruit_and_vegetables/apple"],
    "meta_val": ["trees/maple_tree"], "meta_test": ["fruit_and_vegetables/pear"]}"""
BY_SUPERCLASS = '{"meta_train": ["trees"], "meta_val": [], "meta_test": ["fruit_and_vegetables"]}'


def batch(name, **changes):
    """A batch as published; image i of the training batch has red 10 i, green 10 i + 1, blue 10 i + 2."""
    fine = LABELS[name]
    first = 0 if name == "train" else 100
    channels = np.array([[first + 10 * i + channel for channel in range(3)] for i in range(len(fine))])
    return {
        "filenames": [f"{FINE[label]}_s_{i:06d}.png" for i, label in enumerate(fine)],
        "batch_label": f"{name}ing batch 1 of 1",
        "fine_labels": fine,
        "coarse_labels": [1 if "tree" in FINE[label] else 0 for label in fine],
        "data": np.repeat(channels, 1024, axis=1).astype(np.uint8),
        **changes,
    }


@pytest.fixture
def members(python2_pickle):
    meta = {"fine_label_names": FINE, "coarse_label_names": COARSE}
    return {
        "cifar-100-python/meta": python2_pickle(meta),
        "cifar-100-python/test": python2_pickle(batch("test")),
        "cifar-100-python/file.txt~": b"",
        "cifar-100-python/train": python2_pickle(batch("train")),
    }


@pytest.fixture
def build(tmp_path):
    def from_members(members, split=BY_CLASS):
        with tarfile.open(tmp_path / "cifar.tar.gz", "w:gz") as archive:
            for name, content in members.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
        (tmp_path / "split.json").write_text(split)
        return list(_cifar100.build(tmp_path / "cifar.tar.gz", tmp_path / "split.json"))

    return from_members


@pytest.fixture
def refusal(build):
    def of(members, split=BY_CLASS):
        with pytest.raises(DataError) as caught:
            build(members, split)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    return of


def test_the_split_is_complete():
    split = read_split(SPLIT_FILE)

    assert Counter(split.values()) == {"meta_train": 64, "meta_val": 16, "meta_test": 20}
    assert set(Counter(name.split("/")[0] for name in split).values()) == {5}
    assert split["aquatic_mammals/dolphin"] == "meta_train"


def test_the_hook_declares_cifar_fs():
    assert metabench_datasets() == [CIFAR_FS]
    (source,) = CIFAR_FS.sources
    assert source.checksum == "md5:eb9058c3a382ffc7106e4002c42a8d85"


def test_batches_become_classes(build, members):
    classes = build(members)

    assert [(c.name, c.split, c.examples.shape) for c in classes] == [
        ("fruit_and_vegetables/apple", "meta_train", (2, 3, 32, 32)),
        ("fruit_and_vegetables/pear", "meta_test", (2, 3, 32, 32)),
        ("trees/maple_tree", "meta_val", (4, 3, 32, 32)),
        ("trees/oak_tree", "meta_train", (2, 3, 32, 32)),
    ]
    maple = classes[2].examples
    assert maple.dtype == np.uint8
    # Training images come first, in their order; the channels are red, green and blue.
    assert maple[:, :, 5, 7].tolist() == [[0, 1, 2], [40, 41, 42], [50, 51, 52], [110, 111, 112]]


def test_superclasses_can_be_split(build, members):
    assert Counter(c.split for c in build(members, BY_SUPERCLASS)) == {"meta_train": 2, "meta_test": 2}


def test_pixels_keep_their_places(build, members, python2_pickle):
    pixels = np.arange(6 * 3072).astype(np.uint8).reshape(6, 3072)
    members["cifar-100-python/train"] = python2_pickle(batch("train", data=pixels))

    apple = build(members)[0].examples[0]

    assert apple[2, 3, 4] == pixels[1, 2 * 1024 + 3 * 32 + 4]


def test_reports_a_file_that_is_not_there(refusal, members):
    del members["cifar-100-python/test"]

    assert "'cifar.tar.gz' has no file 'cifar-100-python/test'" in refusal(members)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"data": np.zeros((6, 3071), np.uint8)}, "uint8 images of shape (6, 3071) with 6 labels"),
        ({"data": np.zeros((6, 3072), np.int32)}, "int32 images of shape (6, 3072) with 6 labels"),
        ({"data": np.zeros((5, 3072), np.uint8)}, "uint8 images of shape (5, 3072) with 6 labels"),
        ({"data": [1, 2]}, "entry 'data' is of type list"),
        ({"fine_labels": [0] * 5}, "must have the same shape"),
        ({"fine_labels": [4] * 6}, "labels without a name"),
        ({"coarse_labels": [-1] * 6}, "labels without a name"),
    ],
)
def test_reports_a_batch_that_makes_no_sense(refusal, members, python2_pickle, changes, reason):
    members["cifar-100-python/train"] = python2_pickle(batch("train", **changes))
    message = refusal(members)

    assert "Pickle 'cifar.tar.gz/cifar-100-python/train' cannot be used" in message
    assert reason in message


def test_a_pickle_that_would_run_something_is_refused(refusal, members, tmp_path):
    class Malicious:
        def __reduce__(self):
            return (tmp_path / "made").mkdir, ()

    members["cifar-100-python/meta"] = pickle.dumps(Malicious())

    assert "which is not allowed" in refusal(members)
    assert not (tmp_path / "made").exists()


def test_reports_a_class_that_no_split_has(refusal, members):
    one_less = BY_CLASS.replace('"trees/oak_tree", ', "")

    assert "and the class split differ in 'trees'" in refusal(members, one_less)


def test_reports_a_class_that_no_image_has(refusal, members):
    one_more = BY_CLASS.replace("trees/oak_tree", 'trees/oak_tree", "trees/palm_tree')

    assert "and the class split differ in 'trees/palm_tree'" in refusal(members, one_more)


def test_reports_an_archive_that_is_cut_short(refusal, build, members, tmp_path):
    build(members)
    whole = (tmp_path / "cifar.tar.gz").read_bytes()
    (tmp_path / "cifar.tar.gz").write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DataError, match=r"Archive 'cifar\.tar\.gz' cannot be read"):
        list(_cifar100.build(tmp_path / "cifar.tar.gz", tmp_path / "split.json"))


def test_reports_what_is_no_archive(tmp_path):
    (tmp_path / "cifar.tar.gz").write_bytes(gzip.compress(b"<html>404</html>"))

    with pytest.raises(DataError, match=r"Archive 'cifar\.tar\.gz' cannot be read"):
        list(_cifar100.build(tmp_path / "cifar.tar.gz", SPLIT_FILE))
