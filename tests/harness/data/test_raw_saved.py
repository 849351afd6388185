"""Folders that the `datasets` library has saved."""

from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image

from metabench.data.raw_saved import is_saved, read_saved
from metabench.data.recipe import SPLITS
from metabench.errors import DataError


@pytest.fixture(autouse=True)
def quiet():
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def refusal(folder: Path) -> str:
    with pytest.raises(DataError) as caught:
        [one.load() for one in read_saved(folder, 8).classes]
    message = str(caught.value)
    assert "\n" not in message
    assert str(folder) in message
    return message


def save(folder: Path, columns, features=None) -> Path:
    datasets.Dataset.from_dict(columns, features=features).save_to_disk(folder)
    return folder


def picture(grey: int) -> Image.Image:
    return Image.new("L", (5, 5), grey)


IMAGES = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])})


def test_texts_with_labels(tmp_path: Path) -> None:
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    folder = save(tmp_path / "a", {"text": ["x", "y", "z"], "label": [1, 0, 1]}, features)

    raw = read_saved(folder, 8)

    assert is_saved(folder)
    assert not is_saved(tmp_path)
    assert raw.modality == "text"
    assert {one.name: one.load() for one in raw.classes} == {"yes": ("x", "z"), "no": ("y",)}


def test_images_with_labels(tmp_path: Path) -> None:
    folder = save(tmp_path / "a", {"image": [picture(1), picture(2), picture(3)], "label": [0, 1, 0]}, IMAGES)

    raw = read_saved(folder, 8)
    cat, dog = raw.classes

    assert (raw.modality, cat.name, cat.n_examples, dog.name) == ("image", "cat", 2, "dog")
    assert cat.load().shape == (2, 1, 8, 8)
    assert np.unique(cat.load()).tolist() == [1, 3]


def test_parts_named_after_splits_are_splits(tmp_path: Path) -> None:
    parts = {split: datasets.Dataset.from_dict({"text": ["x"], "label": [split]}) for split in SPLITS}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "a")

    assert {one.name: one.split for one in read_saved(tmp_path / "a", 8).classes} == {s: s for s in SPLITS}


def test_other_parts_are_put_together(tmp_path: Path) -> None:
    parts = {name: datasets.Dataset.from_dict({"text": [name], "label": ["a"]}) for name in ("train", "test")}
    datasets.DatasetDict(parts).save_to_disk(tmp_path / "a")

    (one,) = read_saved(tmp_path / "a", 8).classes

    assert (one.split, one.load()) == (None, ("train", "test"))


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"text": ["x"]}, "has the columns text; 'label' and 'image' or 'text' are expected"),
        ({"words": ["x"], "label": [1]}, "has the columns label, words;"),
        ({"text": ["x", None], "label": [1, 1]}, "has no text in row 1"),
        ({"text": ["x", "y"], "label": ["a", None]}, "has no label in row 1"),
        ({"text": ["x", "y"], "label": [1, 1], "id": [5, 5]}, "has the id 5 in row 0 and in row 1"),
        ({"image": ["x"], "label": ["a"]}, "has no images in 'image'; the type Image is expected"),
    ],
)
def test_tables_that_are_no_dataset_are_refused(tmp_path: Path, columns, reason: str) -> None:
    assert reason in refusal(save(tmp_path / "a", columns))


@pytest.mark.parametrize(
    ("image", "label", "reason"),
    [
        ({"bytes": b"no image", "path": None}, 0, "a, row 0' cannot be read (cannot identify image file"),
        ({"bytes": None, "path": "/etc/hostname"}, 0, "has no image in row 0; one in the row itself"),
        (None, 0, "has no image in row 0"),
        (picture(1), None, "has no label in row 0"),
        (picture(1), -1, "has no label in row 0"),
    ],
    ids=["damaged", "elsewhere", "none", "no label", "label hidden"],
)
def test_images_that_are_none_are_refused(tmp_path: Path, image, label, reason: str) -> None:
    table = datasets.Dataset.from_dict({"image": [image], "label": [label]}, features=IMAGES)
    with pytest.MonkeyPatch.context() as patched:
        # Saving would look for the file; a stranger's folder need not have been saved by the library.
        patched.setattr(datasets.Image, "embed_storage", lambda _self, storage, *_, **__: storage)
        table.save_to_disk(tmp_path / "a")

    assert reason in refusal(tmp_path / "a")


def test_a_damaged_folder_is_refused(tmp_path: Path) -> None:
    folder = save(tmp_path / "a", {"text": ["x"], "label": [1]})
    for file in folder.glob("*.arrow"):
        file.write_bytes(b"junk")

    assert "cannot be read (" in refusal(folder)
