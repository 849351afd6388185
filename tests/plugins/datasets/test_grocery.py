"""Groceries: lists merged, photographs cropped, and no kind on two sides of the split."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metabench.data.places import Places
from metabench.data.recipe import SPLITS, ClassExamples
from metabench.data.store import open_dataset
from metabench.errors import DataError
from metabench_plugins.datasets import grocery
from metabench_plugins.datasets.grocery import GROCERY, SPLIT_FILE

NAMES = (
    "Class Name (str),Class ID (int),Coarse Class Name (str),Coarse Class ID (int),"
    "Iconic Image Path (str),Product Description Path (str)\r\n"
    "Pink-Lady,0,Apple,0,/iconic/Pink-Lady_Iconic.jpg,/iconic/Pink-Lady_Description.txt\r\n"
    "Royal-Gala,1,Apple,0,/iconic/Royal-Gala_Iconic.jpg,/iconic/Royal-Gala_Description.txt\r\n"
    "Leek,2,Leek,1,/iconic/Leek_Iconic.jpg,/iconic/Leek_Description.txt\r\n"
)
LISTS = {
    "train": "train/Fruit/Apple/Pink-Lady/Pink-Lady_001.jpg, 0, 0\n"
    "train/Fruit/Apple/Pink-Lady/Pink-Lady_002.jpg, 0, 0\n"
    "train/Fruit/Apple/Royal-Gala/Royal-Gala_001.jpg, 1, 0\n",
    "val": "val/Vegetables/Leek/Leek_001.jpg, 2, 1\n",
    "test": "test/Fruit/Apple/Pink-Lady/Pink-Lady_001.jpg, 0, 0\n",
}
SPLIT = {
    "meta_train": {"Apple": ["Royal-Gala", "Pink-Lady"]},
    "meta_val": {},
    "meta_test": {"Leek": ["Leek"]},
}


def jpeg(grey: int, size: tuple[int, int] = (348, 348)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (grey, grey, grey)).save(buffer, "JPEG")
    return buffer.getvalue()


def members() -> dict[str, bytes]:
    """The archive's files: each photograph a shade brighter than the one listed before it."""
    paths = [line.split(",")[0] for lines in LISTS.values() for line in lines.splitlines()]
    return {
        "dataset/classes.csv": NAMES.encode(),
        "dataset/iconic/Leek_Description.txt": b"A leek, long and green.",
        "dataset/iconic/Leek_Iconic.jpg": b"never looked at",
        **{f"dataset/{name}.txt": lines.encode() for name, lines in LISTS.items()},
        **{f"dataset/{path}": jpeg(20 * number) for number, path in enumerate(paths, 1)},
    }


def build(folder: Path, files: dict[str, bytes], top: str = "GroceryStoreDataset") -> list[ClassExamples]:
    with zipfile.ZipFile(folder / "GroceryStoreDataset.zip", "w") as archive:
        for name, content in files.items():
            archive.writestr(f"{top}/{name}", content)
    (folder / "split.json").write_text(json.dumps(SPLIT))
    return list(grocery.build({"": folder / "GroceryStoreDataset.zip"}, folder / "split.json"))


def refusal(folder: Path, files: dict[str, bytes]) -> str:
    with pytest.raises(DataError) as caught:
        build(folder, files)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def sizes() -> dict[str, int]:
    groups = grocery.read_split(SPLIT_FILE).values()
    return {coarse: len(fine) for group in groups for coarse, fine in group.items()}


def test_the_split_is_what_its_seed_draws() -> None:
    recorded = {split: sorted(groups) for split, groups in grocery.read_split(SPLIT_FILE).items()}

    assert recorded == grocery.draw_split(sizes(), grocery.SPLIT_SEED)
    assert recorded != grocery.draw_split(sizes(), grocery.SPLIT_SEED + 1)


def test_the_split_is_complete_and_parts_no_kind() -> None:
    split = grocery.read_split(SPLIT_FILE)
    fine = [name for groups in split.values() for members in groups.values() for name in members]

    assert tuple(split) == SPLITS
    assert [sum(map(len, groups.values())) for groups in split.values()] == [41, 15, 25]
    assert sum(map(len, split.values())) == len(sizes()) == 43
    assert len(set(fine)) == 81


def test_the_hook_declares_grocery_at_a_pinned_commit() -> None:
    (source,) = GROCERY.sources

    assert grocery.metabench_datasets() == [GROCERY]
    assert source.url.endswith("/zip/fc80ba90f803d79d0383df52c5a4ac5de99ff6fc")
    assert (source.size, source.checksum) == (None, None)


@pytest.mark.parametrize("top", ["GroceryStoreDataset", f"GroceryStoreDataset-{40 * 'f'}"])
def test_lists_are_merged_into_classes(tmp_path: Path, top: str) -> None:
    classes = build(tmp_path, members(), top)

    assert [(c.name, c.split, c.examples.shape) for c in classes] == [
        ("Apple/Pink-Lady", "meta_train", (3, 3, 84, 84)),
        ("Apple/Royal-Gala", "meta_train", (1, 3, 84, 84)),
        ("Leek/Leek", "meta_test", (1, 3, 84, 84)),
    ]
    # In the order of paths: the one of the test list comes first.
    assert [int(photograph[0, 42, 42]) for photograph in classes[0].examples] == [100, 20, 40]


def test_the_centre_is_cropped(tmp_path: Path) -> None:
    wide = np.zeros((348, 464, 3), dtype=np.uint8)
    wide[:, 58:-58] = (200, 100, 50)
    buffer = io.BytesIO()
    Image.fromarray(wide).save(buffer, "JPEG", quality=100, subsampling=0)

    leek = build(tmp_path, members() | {"dataset/val/Vegetables/Leek/Leek_001.jpg": buffer.getvalue()})[2]

    assert leek.examples[0, :, 10:-10, 10:-10].mean(axis=(1, 2)) == pytest.approx([200, 100, 50], abs=3)
    assert leek.examples[0, 0, :, [2, -3]].min() > 190


def test_reports_a_photograph_that_is_not_there(tmp_path: Path) -> None:
    files = members()
    del files["dataset/val/Vegetables/Leek/Leek_001.jpg"]

    assert "has no photograph 'dataset/val/Vegetables/Leek/Leek_001.jpg'" in refusal(tmp_path, files)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "cannot identify image file"),
        (b"no image", "cannot identify image file"),
        (jpeg(1)[:400], "cannot be used"),
        (jpeg(1, (5000, 5000)), "5000x5000 pixels"),
    ],
)
def test_reports_a_bad_photograph(tmp_path: Path, content: bytes, reason: str) -> None:
    message = refusal(tmp_path, members() | {"dataset/val/Vegetables/Leek/Leek_001.jpg": content})

    assert "Photograph 'GroceryStoreDataset/dataset/val/Vegetables/Leek/Leek_001.jpg'" in message
    assert reason in message


def test_reports_a_list_that_is_not_there(tmp_path: Path) -> None:
    files = members()
    del files["dataset/val.txt"]

    assert "has no file 'dataset/val.txt'; lists and names" in refusal(tmp_path, files)


@pytest.mark.parametrize("line", [b"val/Leek_001.jpg, 7, 1\n", b"val/Leek_001.jpg\n", b"\xff\n"])
def test_reports_a_list_that_makes_no_sense(tmp_path: Path, line: bytes) -> None:
    message = refusal(tmp_path, members() | {"dataset/val.txt": line})

    assert "has file 'dataset/val.txt' that cannot be read" in message


def test_reports_a_class_without_photographs(tmp_path: Path) -> None:
    assert "no photograph of class 'Leek/Leek'" in refusal(tmp_path, members() | {"dataset/val.txt": b""})


@pytest.mark.mirror
def test_the_published_photographs(mirror: Path, tmp_path: Path) -> None:
    dataset = open_dataset(GROCERY, Places(tmp_path, mirror))
    kinds = [{name.split("/")[0] for name in pool.class_names} for pool in dataset.pools.values()]

    assert dataset.content_hash == GROCERY.content_hash
    assert dataset.example_shape == (3, 84, 84)
    assert dataset.duplicates == ()
    assert {split: (len(pool.class_names), len(pool.examples)) for split, pool in dataset.pools.items()} == {
        "meta_train": (41, 2669),
        "meta_val": (15, 931),
        "meta_test": (25, 1821),
    }
    assert min(pool.sizes.min() for pool in dataset.pools.values()) == 35
    assert sum(map(len, kinds)) == len(set.union(*kinds)) == 43
