"""Questions to a bank: files merged, white space taken off, five published folds."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from metabench.data.dataset import classes_of
from metabench.data.places import Places
from metabench.data.recipe import ClassExamples
from metabench.data.store import open_dataset
from metabench.errors import DataError
from metabench_plugins.datasets import banking77
from metabench_plugins.datasets._utterances import read_folds
from metabench_plugins.datasets.banking77 import BANKING77, FOLDS_FILE

FOLDS = read_folds(FOLDS_FILE)


def build(folder: Path, extra: list[str] | None = None) -> list[ClassExamples]:
    files = {}
    for part in ("train", "test"):
        files[part] = folder / f"{part}.csv"
        with files[part].open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["text", "category"])
            rows.writerows([f"\n{part}, {intent}?\n", intent] for intent in FOLDS["1"])
            if extra:
                rows.writerow(extra)
    return list(banking77.build(files, fold="2"))


@pytest.mark.parametrize("fold", "12345")
def test_a_fold_has_each_intent_once(fold: str) -> None:
    assert Counter(FOLDS[fold].values()) == {"meta_train": 25, "meta_val": 25, "meta_test": 27}
    assert set(FOLDS[fold]) == set(FOLDS["1"])


def test_the_hook_declares_five_folds() -> None:
    names = [one.name for one in banking77.metabench_datasets()]

    assert names == ["banking77", *(f"banking77-fold{n}" for n in range(2, 6))]
    assert len(set(map(str, FOLDS.values()))) == 5


def test_files_are_merged_and_white_space_is_taken_off(tmp_path: Path) -> None:
    classes = build(tmp_path)

    assert {one.name: one.split for one in classes} == FOLDS["2"]
    assert classes[0].examples == (f"train, {classes[0].name}?", f"test, {classes[0].name}?")


def test_an_unknown_intent_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Dataset 'banking77' has class 'loan'"):
        build(tmp_path, ["can I have one", "loan"])


@pytest.mark.mirror
@pytest.mark.parametrize("recipe", BANKING77, ids=lambda recipe: recipe.name)
def test_the_published_questions(mirror: Path, tmp_path: Path, recipe: object) -> None:
    dataset = open_dataset(recipe, Places(tmp_path, mirror))

    assert dataset.content_hash == recipe.content_hash
    assert sum(len(pool.examples) for pool in dataset.pools.values()) == 10_003 + 3_080
    assert dataset.duplicates == ()


@pytest.mark.mirror
def test_questions_that_stand_there_twice_are_kept(mirror: Path, tmp_path: Path) -> None:
    dataset = open_dataset(BANKING77[0], Places(tmp_path, mirror))
    questions = [
        text
        for split, pool in dataset.pools.items()
        for one in classes_of(pool, split)
        for text in one.examples
    ]

    assert len(questions) - len(set(questions)) == 11
