"""Bringing a dataset of one's own, whole or not at all."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from metabench.data.health import examine
from metabench.data.imported import DESCRIPTION, imported_folders, imported_recipe
from metabench.data.importer import Wish, import_dataset
from metabench.data.places import Places
from metabench.data.recipe import SPLITS
from metabench.data.store import open_dataset
from metabench.errors import DataError, UsageError


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "home", None)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Sixteen classes of one to sixteen images, all different."""
    folder = tmp_path / "pictures"
    rng = np.random.default_rng(0)
    for number in range(16):
        one = folder / f"class {number:02d}"
        one.mkdir(parents=True)
        for example in range(number + 1):
            Image.fromarray(rng.integers(0, 256, (9, 9), np.uint8)).save(one / f"{example:02d}.png")
    return folder


@pytest.fixture
def sentences(tmp_path: Path) -> Path:
    lines = (f"{word} {number},{number}" for number in range(20) for word in ("one", "two"))
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *lines]))
    return tmp_path / "mine.csv"


def bring(path: Path, places: Places, **wishes):
    return import_dataset(
        Wish("mine", path, **{"side": 8, **wishes}), places, lambda modality: f"a {modality} net"
    )


def left(places: Places) -> list[str]:
    """What lies among the imported datasets, but locks, whose absence nothing depends on."""
    if not places.imported.is_dir():
        return []
    return [entry.name for entry in places.imported.iterdir() if entry.suffix != ".lock"]


def test_images_become_a_dataset(places: Places, pictures: Path) -> None:
    imported = bring(pictures, places, licence="mine alone")
    recipe = imported.recipe

    assert (recipe.name, recipe.modality, recipe.backbone) == ("mine", "image", "a image net")
    assert (recipe.licence, recipe.sources) == ("mine alone", ())
    assert recipe.title == "Imported from 'pictures': images of 16 classes"
    assert imported.is_drawn
    dataset = open_dataset(recipe, places)
    assert dataset.content_hash == recipe.content_hash == imported.dataset.content_hash
    assert dataset.expected_content
    assert dataset.example_shape == (1, 8, 8)
    assert [len(dataset.pools[split].class_names) for split in SPLITS] == [6, 5, 5]
    assert sum(len(pool.examples) for pool in dataset.pools.values()) == 136


def test_texts_become_a_dataset(places: Places, sentences: Path) -> None:
    dataset = open_dataset(bring(sentences, places).recipe, places)

    assert dataset.modality == "text"
    assert {text for pool in dataset.pools.values() for text in pool.examples} == {
        f"{word} {number}" for number in range(20) for word in ("one", "two")
    }


def test_another_process_finds_what_was_imported(places: Places, sentences: Path) -> None:
    recipe = bring(sentences, places).recipe
    sentences.unlink()

    (folder,) = imported_folders(places)
    again = imported_recipe(folder)

    assert replace(again, build=recipe.build) == recipe
    assert open_dataset(again, places).content_hash == recipe.content_hash


def test_the_same_import_is_the_same_dataset(tmp_path: Path, sentences: Path) -> None:
    one, same, other = (
        bring(sentences, Places(tmp_path / str(number), None), seed=seed).dataset
        for number, seed in enumerate((0, 0, 1))
    )

    assert (one.content_hash, one.split_hash) == (same.content_hash, same.split_hash)
    assert one.content_hash == other.content_hash
    assert one.split_hash != other.split_hash


def test_splits_of_the_users_own_are_kept(places: Places, tmp_path: Path) -> None:
    rows = [f"text {number},{number},{split}" for number, split in enumerate(SPLITS)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label,split", *rows]))

    imported = bring(tmp_path / "a.csv", places)

    assert not imported.is_drawn
    assert [pool.class_names for pool in imported.dataset.pools.values()] == [("0",), ("1",), ("2",)]


def test_what_stands_in_two_splits_is_recorded(places: Places, tmp_path: Path) -> None:
    rows = [f"same,{number},{split}" for number, split in enumerate(SPLITS)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label,split", *rows]))

    assert len(bring(tmp_path / "a.csv", places).dataset.duplicates) == 2


def test_small_classes_can_be_left_out(places: Places, pictures: Path) -> None:
    imported = bring(pictures, places, min_examples=2)

    assert imported.n_left_out == 1
    assert min(pool.sizes.min() for pool in imported.dataset.pools.values()) == 2


@pytest.mark.parametrize("name", ["", "-a", "a/b", "..", "a b", "ä", "a" * 65, "a\n"])
def test_a_name_that_cannot_be_one(places: Places, sentences: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"Dataset name '.*' cannot be one; expected up to 64 letters"):
        import_dataset(Wish(name, sentences), places, str)


def test_a_name_that_is_taken(places: Places, sentences: Path) -> None:
    before = bring(sentences, places)
    sentences.write_text("text,label\n")

    with pytest.raises(UsageError, match=r"Dataset 'mine' is in '.*mine' already; expected a new name"):
        bring(sentences, places)
    assert examine(before.recipe, places, quick=False).state == "present"


def test_too_few_classes(places: Places, pictures: Path) -> None:
    with pytest.raises(DataError, match=r"has 14 classes of 3 or more examples; at least 15 are expected"):
        bring(pictures, places, min_examples=3)

    assert left(places) == []


def test_an_empty_folder(places: Places, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match=r"empty' has 0 classes; at least 15 are expected"):
        bring(tmp_path / "empty", places)


def test_a_split_without_classes(places: Places, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label,split\nx,a,meta_train\ny,b,meta_test")

    with pytest.raises(DataError, match="has no class in meta_val; some are expected"):
        bring(tmp_path / "a.csv", places)


def test_a_class_in_two_splits(places: Places, pictures: Path) -> None:
    for split in SPLITS:
        (pictures / split).mkdir()
        for number in range(5):
            one = pictures / f"class {SPLITS.index(split) * 5 + number:02d}"
            one.rename(pictures / split / one.name)
    (pictures / "class 15").rename(pictures / "meta_val" / "class 00")

    with pytest.raises(DataError, match="has the class 'class 00' in meta_train and meta_val; each class"):
        bring(pictures, places)


def test_nothing_there(places: Places, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none.csv' cannot be read \(No such file or directory\); a folder"):
        bring(tmp_path / "none.csv", places)


def test_an_image_that_cannot_be_decoded_leaves_nothing(places: Places, pictures: Path) -> None:
    file = pictures / "class 15" / "07.png"
    file.write_bytes(file.read_bytes()[:60])

    with pytest.raises(DataError, match=r"class 15/07\.png' cannot be read"):
        bring(pictures, places)

    assert left(places) == []


def test_a_home_that_cannot_be_written(tmp_path: Path, sentences: Path) -> None:
    (tmp_path / "home").write_text("a file where a folder should be")

    with pytest.raises(DataError, match=r"imported' cannot be written \(.*; expected a folder with room"):
        bring(sentences, Places(tmp_path / "home", None))


def test_damage_is_found_and_names_the_next_step(places: Places, sentences: Path) -> None:
    recipe = bring(sentences, places).recipe
    file = places.imported / "mine" / "meta_val.bin"
    file.write_bytes(file.read_bytes().replace(b"one", b"owe"))

    assert examine(recipe, places, quick=True).state == "present"
    (damage,) = examine(recipe, places, quick=False).damages
    assert damage.endswith("Delete that folder and import the dataset again.")

    file.write_bytes(b"")
    assert examine(recipe, places, quick=True).state == "damaged"
    with pytest.raises(DataError, match="import the dataset again"):
        open_dataset(recipe, places)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"name": "other"},
        {"modality": "sound"},
        {"title": 5},
        {"licence": None},
        None,
    ],
    ids=str,
)
def test_a_damaged_description_is_told(places: Places, sentences: Path, change) -> None:
    bring(sentences, places)
    (folder,) = imported_folders(places)
    told = json.loads((folder / DESCRIPTION).read_text())
    (folder / DESCRIPTION).write_text(json.dumps(told | change) if change else "{")

    with pytest.raises(DataError, match=r"has a damaged description \(.*\); expected what was written there"):
        imported_recipe(folder)
