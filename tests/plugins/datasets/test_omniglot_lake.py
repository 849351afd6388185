"""Omniglot by alphabets: the published split, and drawings that are not turned."""

import io
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metabench.data.places import Places
from metabench.data.store import open_dataset
from metabench_plugins.datasets import _omniglot_images as images
from metabench_plugins.datasets.omniglot import OMNIGLOT
from metabench_plugins.datasets.omniglot_lake import OMNIGLOT_LAKE, SPLIT_FILE, metabench_datasets

SMALLEST_OF_BACKGROUND = {
    "Alphabet_of_the_Magi",
    "Blackfoot_(Canadian_Aboriginal_Syllabics)",
    "Inuktitut_(Canadian_Aboriginal_Syllabics)",
    "Ojibwe_(Canadian_Aboriginal_Syllabics)",
    "Tagalog",
}


def alphabets() -> dict[str, set[str]]:
    of_split: dict[str, set[str]] = {}
    for character, split in images.read_split(SPLIT_FILE).items():
        of_split.setdefault(split, set()).add(character.split("/")[0])
    return of_split


def test_the_split_is_that_of_the_papers() -> None:
    split = images.read_split(SPLIT_FILE)

    assert Counter(split.values()) == {"meta_train": 883, "meta_val": 81, "meta_test": 659}
    assert alphabets()["meta_val"] == SMALLEST_OF_BACKGROUND
    assert {name: len(members) for name, members in alphabets().items()} == {
        "meta_train": 25,
        "meta_val": 5,
        "meta_test": 20,
    }


def test_no_alphabet_is_in_two_splits() -> None:
    assert len(set.union(*alphabets().values())) == 50


def test_the_validation_alphabets_are_the_smallest_of_the_background() -> None:
    sizes = Counter(character.split("/")[0] for character in images.read_split(SPLIT_FILE))
    largest = max(sizes[alphabet] for alphabet in alphabets()["meta_val"])

    assert largest < min(sizes[alphabet] for alphabet in alphabets()["meta_train"])


def test_the_hook_declares_it_with_the_files_of_omniglot() -> None:
    assert metabench_datasets() == [OMNIGLOT_LAKE]
    assert OMNIGLOT_LAKE.sources == OMNIGLOT.sources


def test_characters_are_not_turned(tmp_path: Path) -> None:
    ink = np.zeros((105, 105), dtype=bool)
    ink[:15, :30] = True
    png = io.BytesIO()
    Image.fromarray(~ink).save(png, "PNG")
    with zipfile.ZipFile(tmp_path / "images_background.zip", "w") as archive:
        for person in range(1, 21):
            archive.writestr(f"images_background/Latin/character01/0100_{person:02d}.png", png.getvalue())
    (tmp_path / "split.json").write_text('{"meta_train": {"Latin": [1]}, "meta_val": {}, "meta_test": {}}')

    (only,) = images.build_upright([tmp_path / "images_background.zip"], tmp_path / "split.json")

    assert (only.name, only.split, only.examples.shape) == (
        "Latin/character01",
        "meta_train",
        (20, 1, 28, 28),
    )
    assert np.all(only.examples[:, 0, :4, :8] == 255)


@pytest.mark.mirror
def test_the_published_drawings(mirror: Path, tmp_path: Path) -> None:
    dataset = open_dataset(OMNIGLOT_LAKE, Places(tmp_path, mirror))

    assert dataset.content_hash == OMNIGLOT_LAKE.content_hash
    assert dataset.example_shape == (1, 28, 28)
    assert dataset.duplicates == ()
    assert {split: len(pool.class_names) for split, pool in dataset.pools.items()} == {
        "meta_train": 883,
        "meta_val": 81,
        "meta_test": 659,
    }
    assert {size for pool in dataset.pools.values() for size in pool.sizes} == {20}


@pytest.mark.mirror
def test_the_test_alphabets_are_those_of_the_evaluation_archive(mirror: Path) -> None:
    characters = images.collect([mirror / "omniglot" / "images_evaluation.zip"])

    assert {character.split("/")[0] for character in characters} == alphabets()["meta_test"]
