"""Requests to an assistant: parts merged, out of scope left out, five published folds."""

import json
from collections import Counter
from pathlib import Path

import pytest

from metabench.data.places import Places
from metabench.data.store import open_dataset
from metabench.errors import DataError
from metabench_plugins.datasets import clinc150
from metabench_plugins.datasets._utterances import read_folds
from metabench_plugins.datasets.clinc150 import CLINC150, FOLDS_FILE

FOLDS = read_folds(FOLDS_FILE)


def published(**changes: object) -> dict[str, object]:
    """Three requests of each intent in upstream's form, and some of no intent."""
    told: dict[str, object] = {
        "oos_val": [["a show on broadway", "oos"]],
        **{
            part: [[f"{part} {intent}", intent] for intent in sorted(FOLDS["1"], reverse=True)]
            for part in ("val", "train", "test")
        },
        "oos_train": [["what is three times five", "oos"]],
    }
    return told | changes


def build(folder: Path, told: dict[str, object], fold: str = "1") -> list[object]:
    file = folder / "data_full.json"
    file.write_text(json.dumps(told))
    return list(clinc150.build({"": file}, fold=fold))


@pytest.mark.parametrize("fold", "12345")
def test_a_fold_has_each_intent_once(fold: str) -> None:
    assert Counter(FOLDS[fold].values()) == {"meta_train": 50, "meta_val": 50, "meta_test": 50}
    assert set(FOLDS[fold]) == set(FOLDS["1"])


def test_the_hook_declares_five_folds_of_one_file() -> None:
    recipes = clinc150.metabench_datasets()

    assert [one.name for one in recipes] == ["clinc150", *(f"clinc150-fold{n}" for n in range(2, 6))]
    assert {one.sources for one in recipes} == {CLINC150[0].sources}
    assert len(set(map(str, FOLDS.values()))) == 5


def test_parts_are_merged_and_requests_of_no_intent_left_out(tmp_path: Path) -> None:
    classes = build(tmp_path, published())

    assert [one.name for one in classes] == sorted(FOLDS["1"])
    assert classes[0].examples == tuple(f"{part} {classes[0].name}" for part in ("train", "val", "test"))
    assert {one.name: one.split for one in classes} == FOLDS["1"]
    assert {one.name: one.split for one in build(tmp_path, published(), "3")} == FOLDS["3"]


@pytest.mark.parametrize("row", [["only"], "text", ["text", 3], {"text": "a"}])
def test_a_row_of_another_form_is_told(tmp_path: Path, row: object) -> None:
    with pytest.raises(DataError, match=r"Dataset 'clinc150' has .* in 'val'; expected what upstream"):
        build(tmp_path, published(val=[row]))


def test_an_intent_that_no_fold_knows_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has class 'oos', which the class split does not know"):
        build(tmp_path, published(val=[["what is three times five", "oos"]]))


@pytest.mark.mirror
@pytest.mark.parametrize("recipe", CLINC150, ids=lambda recipe: recipe.name)
def test_the_published_requests(mirror: Path, tmp_path: Path, recipe: object) -> None:
    dataset = open_dataset(recipe, Places(tmp_path, mirror))

    assert dataset.content_hash == recipe.content_hash
    assert dataset.modality == "text"
    for pool in dataset.pools.values():
        assert len(pool.class_names) == 50
        assert set(pool.sizes) == {150}


@pytest.mark.mirror
def test_requests_with_two_intents_are_kept_and_reported(mirror: Path, tmp_path: Path) -> None:
    dataset = open_dataset(CLINC150[0], Places(tmp_path, mirror))

    assert dataset.duplicates == (
        "meta_test 'todo_list' number 24 = meta_train 'reminder' number 111",
        "meta_test 'user_name' number 128 = meta_train 'what_is_your_name' number 66",
        "meta_test 'where_are_you_from' number 149 = meta_val 'how_old_are_you' number 18",
    )
