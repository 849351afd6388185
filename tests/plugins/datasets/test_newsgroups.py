"""Postings: groups by number, split by subject."""

import json
import zipfile
from pathlib import Path

from metabench_plugins.datasets import newsgroups
from metabench_plugins.datasets.newsgroups import NEWSGROUPS


def test_postings_are_read_and_split_by_subject(tmp_path: Path) -> None:
    lines = [{"text": ["posting", str(label)], "label": label} for label in range(20)]
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("data/20news.json", "\n".join(map(json.dumps, lines)))

    classes = {one.name: one for one in newsgroups.build({"": tmp_path / "data.zip"})}
    subjects = {
        split: {name.split(".")[0] for name, one in classes.items() if one.split == split}
        for split in ("meta_train", "meta_val", "meta_test")
    }

    assert subjects == {
        "meta_train": {"rec", "sci"},
        "meta_val": {"comp"},
        "meta_test": {"alt", "misc", "soc", "talk"},
    }
    assert [sum(one.split == split for one in classes.values()) for split in subjects] == [8, 5, 7]
    assert classes["sci.space"].examples == ("posting 1",)
    assert classes["soc.religion.christian"].examples == ("posting 19",)


def test_the_hook_declares_20newsgroups() -> None:
    assert newsgroups.metabench_datasets() == [NEWSGROUPS]
    assert NEWSGROUPS.name == "20newsgroups"
