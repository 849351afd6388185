"""Requests to a robot at home, by domain and intent."""

import json
from collections import Counter
from pathlib import Path

import pytest

from metabench.data.recipe import SPLITS
from metabench.errors import DataError
from metabench_plugins.datasets import hwu64
from metabench_plugins.datasets._utterances import read_folds
from metabench_plugins.datasets.hwu64 import FOLDS_FILE, HWU64

FOLDS = read_folds(FOLDS_FILE)


@pytest.mark.parametrize("fold", "12345")
def test_a_fold_has_each_intent_once_and_parts_no_domain(fold: str) -> None:
    domains = {
        split: {name.split("/")[0] for name, own in FOLDS[fold].items() if own == split} for split in SPLITS
    }

    assert len(FOLDS[fold]) == 64
    assert set(FOLDS[fold]) == set(FOLDS["1"])
    assert sum(map(len, domains.values())) == len(set.union(*domains.values())) == 18


def test_the_numbers_of_intents_are_those_of_the_docstring() -> None:
    sizes = [Counter(split.values()) for split in FOLDS.values()]

    assert [(min(one[split] for one in sizes), max(one[split] for one in sizes)) for split in SPLITS] == [
        (16, 30),
        (11, 23),
        (19, 29),
    ]


def test_the_hook_declares_five_folds_at_a_pinned_commit() -> None:
    assert [one.name for one in hwu64.metabench_datasets()][::4] == ["hwu64", "hwu64-fold5"]
    assert all(one.sources == HWU64[0].sources for one in HWU64)
    assert "/6352ababa740133708daed815666b5bf39850d98/" in HWU64[0].sources[0].url


def test_requests_are_read_from_lines(tmp_path: Path) -> None:
    file = tmp_path / "full.jsonl"
    lines = [{"sentence": f"please {name}", "label": name} for name in FOLDS["1"]]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))

    classes = list(hwu64.build({"": file}, fold="4"))

    assert {one.name: one.split for one in classes} == FOLDS["4"]
    assert classes[0].examples == ("please alarm/query",)


def test_a_line_of_another_form_is_told(tmp_path: Path) -> None:
    (tmp_path / "full.jsonl").write_text('{"text": "wake me up"}\n')

    with pytest.raises(DataError, match="of dataset 'hwu64' cannot be read"):
        list(hwu64.build({"": tmp_path / "full.jsonl"}, fold="1"))
