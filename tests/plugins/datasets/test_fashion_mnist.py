"""Fashion-MNIST: packed idx files in, classes out; and what becomes of other files."""

import gzip
import struct
from collections import Counter

import numpy as np
import pytest

from metabench.data.places import Places
from metabench.data.store import open_dataset
from metabench.errors import DataError
from metabench_plugins.datasets import fashion_mnist
from metabench_plugins.datasets.fashion_mnist import FASHION_MNIST, NAMES, SPLIT

N_IMAGES = {"train": 20, "t10k": 10}


def images_file(part):
    """Image i has i where there is ink, and 255 in its upper right corner."""
    n_images = N_IMAGES[part]
    pixels = np.zeros((n_images, 28, 28), dtype=np.uint8)
    pixels[:, 10:20, 10:20] = np.arange(n_images)[:, None, None]
    pixels[:, 0, 27] = 255
    return struct.pack(">IIII", 2051, n_images, 28, 28) + pixels.tobytes()


def labels_file(part):
    n_images = N_IMAGES[part]
    return struct.pack(">II", 2049, n_images) + bytes(i % 10 for i in range(n_images))


@pytest.fixture
def mirror_of(tmp_path):
    def mirror_of(**contents):
        """A mirror with packed files of the test, named as "train_images", and with whole ones."""
        folder = tmp_path / "mirror" / "fashion-mnist"
        folder.mkdir(parents=True, exist_ok=True)
        for part in N_IMAGES:
            images, labels = gzip.compress(images_file(part)), gzip.compress(labels_file(part))
            (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(contents.get(f"{part}_images", images))
            (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(contents.get(f"{part}_labels", labels))
        return folder.parent

    return mirror_of


@pytest.fixture
def build(mirror_of):
    def from_files(**contents):
        folder = mirror_of(**contents)
        return list(FASHION_MNIST.build({s.path: folder / s.path for s in FASHION_MNIST.sources}))

    return from_files


def test_eight_classes_are_left_for_targets():
    assert Counter(SPLIT) == {"meta_train": 1, "meta_val": 1, "meta_test": 8}
    assert len(set(NAMES)) == len(SPLIT) == 10


def test_the_hook_declares_fashion_mnist():
    assert fashion_mnist.metabench_datasets() == [FASHION_MNIST]
    assert all(source.checksum.startswith("md5:") for source in FASHION_MNIST.sources)


def test_files_become_classes(build):
    classes = build()

    assert [c.name for c in classes] == sorted(NAMES)
    assert {c.examples.shape for c in classes} == {(3, 1, 28, 28)}
    assert {c.name: c.split for c in classes}["Trouser"] == "meta_val"
    sandal = classes[sorted(NAMES).index("Sandal")]
    assert sandal.examples[:, 0, 15, 15].tolist() == [5, 15, 5]
    assert sandal.examples[0, 0, 0].tolist() == [0] * 27 + [255]


def test_the_store_takes_it(mirror_of, tmp_path):
    dataset = open_dataset(FASHION_MNIST, Places(tmp_path / "home", mirror_of()))

    assert dataset.example_shape == (1, 28, 28)
    assert len(dataset.pools["meta_test"].class_names) == 8


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html>404</html>", "Not a gzipped file"),
        (gzip.compress(images_file("train"))[:-20], "ended before"),
        (gzip.compress(images_file("train")[:-1]), "cannot reshape"),
        (gzip.compress(images_file("train") + b"x"), "cannot reshape"),
        (gzip.compress(b"\0\0"), "buffer is smaller"),
        (gzip.compress(labels_file("train")), "its header is [2049"),
        (
            gzip.compress(struct.pack(">IIII", 2051, 1, 32, 32) + bytes(1024)),
            "its header is [2051, 1, 32, 32]",
        ),
    ],
    # Not the contents, which have the time of their making in them.
    ids=["a page", "cut short", "a byte too few", "a byte too many", "too short", "labels", "another size"],
)
def test_reports_a_file_that_makes_no_sense(build, content, reason):
    with pytest.raises(DataError, match=r"^File 'train-images-idx3-ubyte\.gz' cannot be used") as caught:
        build(train_images=content)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (struct.pack(">II", 2049, 3) + bytes(3), "has 10 images and 3 labels up to 0"),
        (struct.pack(">II", 2049, 10) + bytes([10] * 10), "has 10 images and 10 labels up to 10"),
    ],
)
def test_reports_labels_that_do_not_fit(build, labels, told):
    with pytest.raises(DataError, match=rf"^Part 't10k' {told}; as many, up to 9, are expected\."):
        build(t10k_labels=gzip.compress(labels))
