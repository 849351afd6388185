"""Texts as tokens in an archive: one file of it is read, long texts are cut, empty ones left out."""

import json
import zipfile
from pathlib import Path

import pytest

from metabench.errors import DataError
from metabench_plugins.datasets import _signatures
from metabench_plugins.datasets._signatures import read

NAMES = ("zero", "one")


def archive(folder: Path, lines: list[str], member: str = "data/demo.json") -> Path:
    with zipfile.ZipFile(folder / "data.zip", "w") as packed:
        packed.writestr(member, "\n".join(lines))
        packed.writestr("data/another_demo.json", "never looked at")
        packed.writestr("__MACOSX/data/._demo.json", "neither")
    return folder / "data.zip"


def test_tokens_are_joined_and_numbers_become_names(tmp_path: Path) -> None:
    lines = ['{"text": ["how", "\'s", "it"], "label": 1}', '{"text": ["well"], "label": "0"}']

    assert list(read("demo", archive(tmp_path, lines), "demo.json", NAMES)) == [
        ("one", "how 's it"),
        ("zero", "well"),
    ]


def test_long_texts_are_cut_and_empty_ones_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_signatures, "MOST_TOKENS", 2)
    lines = [json.dumps({"text": text, "label": 0}) for text in (["a", "b", "c"], [], ["", " "])]

    assert list(read("demo", archive(tmp_path, lines), "demo.json", NAMES)) == [("zero", "a b")]


@pytest.mark.parametrize(
    "line", ["{", "[]", '{"text": ["a"]}', '{"text": ["a"], "label": 2}', '{"label": 1}']
)
def test_a_line_of_another_form_is_told(tmp_path: Path, line: str) -> None:
    with pytest.raises(DataError, match=r"Dataset 'demo' has line 1 of 'demo.json' that is no text"):
        list(read("demo", archive(tmp_path, [line]), "demo.json", NAMES))


def test_an_archive_without_the_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Dataset 'demo' has 0 files 'demo.json' in 'data.zip'"):
        list(read("demo", archive(tmp_path, [], "data/other.json"), "demo.json", NAMES))
