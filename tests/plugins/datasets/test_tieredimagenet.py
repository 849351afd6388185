"""tieredImageNet: pickled PNG files and labels in, classes out; and what becomes of other pickles."""

import io
import pickle

import numpy as np
import pytest
from PIL import Image

from metabench.errors import DataError
from metabench_plugins.datasets import tieredimagenet
from metabench_plugins.datasets.tieredimagenet import TIEREDIMAGENET

N_CLASSES = {"train": 3, "val": 2, "test": 2}


@pytest.fixture(autouse=True)
def few_classes(monkeypatch):
    by_split = dict(zip(tieredimagenet._N_CLASSES, N_CLASSES.values(), strict=True))
    monkeypatch.setattr(tieredimagenet, "_N_CLASSES", by_split)


def png(red: int, *, as_column: bool = True) -> np.ndarray:
    """An image as it stands in the pickle: the bytes of a PNG file in an array."""
    buffer = io.BytesIO()
    Image.new("RGB", (84, 84), (red, 100, 50)).save(buffer, "PNG")
    flat = np.frombuffer(buffer.getvalue(), dtype=np.uint8)
    return flat[:, None] if as_column else flat


def images(part):
    """Two images of each class, in turns; image i has red i."""
    return [png(i, as_column=i % 2 == 0) for i in range(2 * N_CLASSES[part])]


def labels(part, **changes):
    n_classes = N_CLASSES[part]
    return {
        "label_specific": np.arange(2 * n_classes) % n_classes,
        "label_general": np.zeros(2 * n_classes, dtype=np.int64),
        "label_specific_str": ["limpkin, Aramus pictus", "crane", "crane"][:n_classes],
        "label_general_str": ["aquatic bird"],
        **changes,
    }


@pytest.fixture
def build(tmp_path):
    def from_pickles(**pickles):
        """Build from pickles of the test, named as "val_labels", and from whole ones."""
        whole = {}
        for part in N_CLASSES:
            whole[f"{part}_images_png"] = pickle.dumps(images(part), 2)
            whole[f"{part}_labels"] = pickle.dumps(labels(part), 2)
        for name, content in (whole | pickles).items():
            (tmp_path / f"tiered-imagenet-{name}.pkl").write_bytes(content)
        files = {f"tieredimagenet/{path.name}": path for path in tmp_path.glob("*.pkl")}
        return list(tieredimagenet.build(files))

    return from_pickles


def test_the_hook_declares_tieredimagenet():
    assert tieredimagenet.metabench_datasets() == [TIEREDIMAGENET]
    assert len(TIEREDIMAGENET.sources) == 6
    assert TIEREDIMAGENET.sources[0].path == "tieredimagenet/tiered-imagenet-train_images_png.pkl"
    assert TIEREDIMAGENET.sources[5].path == "tieredimagenet/tiered-imagenet-test_labels.pkl"


def test_pickles_become_classes(build):
    classes = build()

    assert [(c.name, c.split, c.examples.shape) for c in classes] == [
        ("train/000 limpkin, Aramus pictus", "meta_train", (2, 3, 84, 84)),
        ("train/001 crane", "meta_train", (2, 3, 84, 84)),
        ("train/002 crane", "meta_train", (2, 3, 84, 84)),
        ("val/000 limpkin, Aramus pictus", "meta_val", (2, 3, 84, 84)),
        ("val/001 crane", "meta_val", (2, 3, 84, 84)),
        ("test/000 limpkin, Aramus pictus", "meta_test", (2, 3, 84, 84)),
        ("test/001 crane", "meta_test", (2, 3, 84, 84)),
    ]
    assert classes[1].examples[:, :, 5, 7].tolist() == [[1, 100, 50], [4, 100, 50]]


def test_pickles_of_python_2_are_read(build, python2_pickle):
    old = build(val_images_png=python2_pickle(images("val")), val_labels=python2_pickle(labels("val")))

    assert np.array_equal(old[4].examples, build()[4].examples)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"label_specific": np.array([0, 0, 0, 0])}, "2 classes, 1 with images, not 2"),
        ({"label_specific": np.array([0, 1, 2, 0])}, "2 classes, 3 with images, not 2"),
        ({"label_specific_str": ["a"]}, "1 classes, 2 with images, not 2"),
        ({"label_specific": np.zeros((2, 2), np.int64)}, "entry 'label_specific' has shape (2, 2)"),
        ({"label_specific_str": [1, 2]}, "type int where a text is expected"),
    ],
)
def test_reports_labels_that_make_no_sense(build, changes, reason):
    with pytest.raises(DataError, match=r"^Pickle 'tiered-imagenet-test_labels\.pkl' cannot be") as caught:
        build(test_labels=pickle.dumps(labels("test", **changes), 2))
    assert reason in str(caught.value)


def test_reports_images_without_labels(build):
    with pytest.raises(
        DataError, match=r"^Pickle 'tiered-imagenet-val_images_png\.pkl' .*3 images for 4 labels"
    ):
        build(val_images_png=pickle.dumps(images("val")[:3]))


@pytest.mark.parametrize("content", [png(1)[:60], np.zeros(9, np.uint8)])
def test_reports_an_image_that_is_damaged(build, content):
    damaged = pickle.dumps([*images("val")[:3], content])

    with pytest.raises(
        DataError, match=r"^Photograph '3 of tiered-imagenet-val_images_png\.pkl' cannot be used"
    ):
        build(val_images_png=damaged)


def test_reports_an_image_that_is_no_array(build):
    with pytest.raises(DataError, match=r"item 3 of it is of type str"):
        build(val_images_png=pickle.dumps([*images("val")[:3], "image"]))


def test_a_pickle_that_would_run_something_is_refused(build, tmp_path):
    class Malicious:
        def __reduce__(self):
            return (tmp_path / "made").mkdir, ()

    with pytest.raises(DataError, match=r"which is not allowed"):
        build(train_images_png=pickle.dumps([Malicious()]))
    assert not (tmp_path / "made").exists()
