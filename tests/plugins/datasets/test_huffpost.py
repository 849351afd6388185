"""Headlines: sections by number, split as published."""

import json
import zipfile
from collections import Counter
from pathlib import Path

from metabench_plugins.datasets import huffpost
from metabench_plugins.datasets.huffpost import HUFFPOST


def test_headlines_are_read_and_split_by_the_number_of_the_section(tmp_path: Path) -> None:
    lines = [{"text": ["headline", str(label)], "label": label} for label in reversed(range(41))]
    with zipfile.ZipFile(tmp_path / "data.zip", "w") as archive:
        archive.writestr("data/huffpost.json", "\n".join(map(json.dumps, lines)) + "\n")

    classes = list(huffpost.build({"": tmp_path / "data.zip"}))

    assert Counter(one.split for one in classes) == {"meta_train": 20, "meta_val": 5, "meta_test": 16}
    assert [one.split for one in classes] == ["meta_train"] * 20 + ["meta_val"] * 5 + ["meta_test"] * 16
    assert (classes[7].name, classes[7].examples) == ("section07", ("headline 7",))


def test_the_hook_declares_huffpost() -> None:
    assert huffpost.metabench_datasets() == [HUFFPOST]
