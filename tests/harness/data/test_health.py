"""What there is of a dataset, and what has become of it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metabench.data.health import examine
from metabench.data.places import Places
from metabench.data.pull import pull
from metabench.data.recipe import SPLITS, ClassExamples, Recipe, Source
from metabench.data.store import open_dataset

CONTENT = b"drawings" * 10
SOURCE = Source("some/drawings.zip", "https://example.org/drawings.zip", len(CONTENT), None)


def build(_files):
    for number, split in enumerate(SPLITS):
        yield ClassExamples(split, split, np.full((2, 1, 2, 2), number, np.uint8))


EMBEDDED = Recipe("drawings", "", "image", "conv4", "", "", (), None, build)
PULLED = replace(EMBEDDED, sources=(SOURCE,))
TEXTS = replace(
    EMBEDDED,
    modality="text",
    build=lambda _files: (ClassExamples(split, split, ("ä", "same")) for split in SPLITS),
)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "home", None)


@pytest.fixture
def pulled(places: Places, tmp_path: Path) -> Path:
    """The file of `PULLED`, pulled."""
    file = tmp_path / "stick" / SOURCE.path
    file.parent.mkdir(parents=True)
    file.write_bytes(CONTENT)
    return pull(PULLED, places, start=tmp_path / "stick")[SOURCE.path]


def both(recipe: Recipe, places: Places) -> tuple[str, str]:
    return examine(recipe, places, quick=True).state, examine(recipe, places, quick=False).state


def built_file(places: Places, name: str) -> Path:
    return next(places.store.glob(f"*/{name}"))


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def test_what_needs_no_files_is_present(places: Places) -> None:
    health = examine(EMBEDDED, places, quick=False)

    assert (health.state, health.has_files, health.is_built) == ("present", True, False)
    assert not places.home.exists()


def test_what_was_never_pulled_is_absent(places: Places) -> None:
    assert both(PULLED, places) == ("absent", "absent")


def test_what_was_pulled_is_present(places: Places, pulled: Path) -> None:
    assert both(PULLED, places) == ("present", "present")


def test_what_is_built_needs_its_files_no_more(places: Places, pulled: Path) -> None:
    open_dataset(PULLED, places)
    pulled.unlink()
    health = examine(PULLED, places, quick=False)

    assert (health.state, health.has_files, health.is_built) == ("present", False, True)


def test_a_download_cut_short_is_seen_at_once(places: Places, pulled: Path) -> None:
    pulled.write_bytes(CONTENT[:5])

    (damage,) = examine(PULLED, places, quick=True).damages
    assert "some/drawings.zip' of dataset 'drawings' is damaged (5 bytes); expected what was" in damage
    assert damage.endswith("Run `metabench data pull drawings`, which gets it again.")


def test_a_changed_download_is_seen_when_it_is_read(places: Places, pulled: Path) -> None:
    flip(pulled)

    assert both(PULLED, places) == ("present", "damaged")


def test_files_of_a_mirror_are_not_compared(tmp_path: Path) -> None:
    file = tmp_path / "mirror" / SOURCE.path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"packed anew")

    assert both(PULLED, Places(tmp_path, tmp_path / "mirror")) == ("present", "present")


@pytest.mark.parametrize(("recipe", "file"), [(EMBEDDED, "meta_val.bin"), (TEXTS, "meta_test.bin")])
def test_a_flipped_bit_in_the_store_is_seen_when_it_is_read(places: Places, recipe: Recipe, file: str):
    open_dataset(recipe, places)
    assert both(recipe, places) == ("present", "present")
    flip(built_file(places, file))

    assert both(recipe, places) == ("present", "damaged")
    (damage,) = examine(recipe, places, quick=False).damages
    assert damage.startswith("Dataset 'drawings' in '")
    assert damage.endswith("Delete that folder; it is built anew.")


def test_a_text_that_is_no_text_any_more_is_damage(places: Places) -> None:
    open_dataset(TEXTS, places)
    built_file(places, "meta_test.bin").write_bytes(b"\xff" * 6)

    assert "codec can't decode" in examine(TEXTS, places, quick=False).damages[0]


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ('"class_names": ["meta_val"]', '"class_names": ["meta_vol"]', "it has content"),
        ('"meta_train": {', '"meta_vol": {', "'meta_train'"),
    ],
)
def test_a_changed_index_is_damage(places: Places, before: str, after: str, reason: str) -> None:
    open_dataset(EMBEDDED, places)
    index = built_file(places, "index.json")
    assert before in index.read_text()
    index.write_text(index.read_text().replace(before, after))

    assert reason in examine(EMBEDDED, places, quick=False).damages[0]


def test_classes_that_changed_their_split_are_damage(places: Places) -> None:
    open_dataset(EMBEDDED, places)
    index = built_file(places, "index.json")
    text = index.read_text()
    swapped = text.replace('["meta_val"]', "@").replace('["meta_test"]', '["meta_val"]')
    index.write_text(swapped.replace("@", '["meta_test"]'))
    val, test = (built_file(places, f"{split}.bin") for split in ("meta_val", "meta_test"))
    contents = val.read_bytes(), test.read_bytes()
    test.write_bytes(contents[0])
    val.write_bytes(contents[1])

    assert "its classes are split otherwise" in examine(EMBEDDED, places, quick=False).damages[0]


def test_what_stands_in_two_splits_is_told(places: Places) -> None:
    open_dataset(TEXTS, places)
    health = examine(TEXTS, places, quick=True)

    assert health.state == "present"
    assert len(health.duplicates) == 4
    assert health.duplicates[0] == "meta_val 'meta_val' number 0 = meta_train 'meta_train' number 0"


def test_other_content_than_declared_is_told(places: Places) -> None:
    recipe = replace(EMBEDDED, content_hash="0" * 64)
    assert examine(recipe, places, quick=False).expected_content is None
    open_dataset(recipe, places)

    assert examine(recipe, places, quick=False).expected_content is False
