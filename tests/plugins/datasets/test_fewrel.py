"""Relations: entities marked, upstream's validation relations for meta_test, a recorded draw."""

import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from metabench.errors import DataError
from metabench_plugins.datasets import fewrel
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets.fewrel import FEWREL, SPLIT_FILE, SPLIT_SEED, mark

SPLIT = read_split(SPLIT_FILE)


def row(tokens: str, head: list[list[int]], tail: list[list[int]]) -> dict[str, object]:
    return {"tokens": tokens.split(), "h": ["head", "Q1", head], "t": ["tail", "Q2", tail]}


@pytest.mark.parametrize(
    ("sentence", "marked"),
    [
        (row("Bonn lies on the Rhine .", [[0]], [[4]]), "@ Bonn @ lies on the # Rhine # ."),
        (row("in New York , New York", [[1, 2], [4, 5]], [[4, 5]]), "in @ New York @ , # New York #"),
        (row("King of Spain", [[0, 1, 2]], [[2]]), "@ King of # Spain @ #"),
    ],
)
def test_the_first_mention_of_each_entity_is_marked(sentence: object, marked: str) -> None:
    assert mark(sentence) == marked


def test_the_split_has_upstreams_validation_relations_for_testing() -> None:
    assert Counter(SPLIT.values()) == {"meta_train": 50, "meta_val": 14, "meta_test": 16}
    assert {"P177", "P921", "P2094"} <= {name for name, split in SPLIT.items() if split == "meta_test"}


def test_the_split_of_upstreams_training_relations_is_what_the_seed_draws() -> None:
    known = [name for name, split in SPLIT.items() if split != "meta_test"]
    drawn = sorted(known, key=lambda name: hashlib.sha256(f"{SPLIT_SEED}\0{name}".encode()).digest())

    assert [SPLIT[name] for name in drawn] == ["meta_train"] * 50 + ["meta_val"] * 14


def test_both_files_are_read(tmp_path: Path) -> None:
    files = {}
    for name, is_test in (("train_wiki.json", False), ("val_wiki.json", True)):
        relations = [one for one, split in SPLIT.items() if (split == "meta_test") == is_test]
        files[name] = tmp_path / name
        files[name].write_text(json.dumps({one: [row(f"{one} b", [[0]], [[1]])] for one in relations}))

    classes = list(fewrel.build(files))

    assert {one.name: one.split for one in classes} == SPLIT
    assert classes[0].examples == ("@ P1001 @ # b #",)


@pytest.mark.parametrize(
    "bad", ["text", {}, row("a b", [], [[1]]), row("a b", [[0]], [[7]]), {"tokens": ["a"], "h": 1, "t": 2}]
)
def test_a_row_that_is_no_sentence_is_told(tmp_path: Path, bad: object) -> None:
    (tmp_path / "train_wiki.json").write_text(json.dumps({"P6": [row("a b", [[0]], [[1]]), bad]}))

    with pytest.raises(DataError, match=r"has number 1 of 'P6' in 'train_wiki.json' that is no sentence"):
        list(fewrel.build({"": tmp_path / "train_wiki.json"}))


def test_the_hook_declares_fewrel() -> None:
    assert fewrel.metabench_datasets() == [FEWREL]
