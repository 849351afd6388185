"""Requests to a robot at home, by intent across domains."""

import json
from collections import Counter
from pathlib import Path

import pytest

from metabench_plugins.datasets import liu54
from metabench_plugins.datasets._utterances import read_folds
from metabench_plugins.datasets.liu54 import FOLDS_FILE, LIU54

FOLDS = read_folds(FOLDS_FILE)


@pytest.mark.parametrize("fold", "12345")
def test_a_fold_has_each_intent_once(fold: str) -> None:
    assert Counter(FOLDS[fold].values()) == {"meta_train": 18, "meta_val": 18, "meta_test": 18}
    assert set(FOLDS[fold]) == set(FOLDS["1"])


def test_the_hook_declares_five_folds_at_a_pinned_commit() -> None:
    assert [one.name for one in liu54.metabench_datasets()][::4] == ["liu54", "liu54-fold5"]
    assert "/6352ababa740133708daed815666b5bf39850d98/" in LIU54[0].sources[0].url


def test_requests_are_read_from_lines(tmp_path: Path) -> None:
    file = tmp_path / "full.jsonl"
    lines = [{"label": name, "sentence": f"please {name}"} for name in FOLDS["1"]]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    classes = list(liu54.build({"": file}, fold="2"))

    assert {one.name: one.split for one in classes} == FOLDS["2"]
    assert classes[0].examples == ("please addcontact",)
