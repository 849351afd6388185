"""Texts that a user brings."""

import json
from pathlib import Path

import pytest

from metabench.data.raw_texts import read_file
from metabench.errors import DataError


def write(folder: Path, content: str | bytes, name: str = "mine.csv") -> Path:
    file = folder / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def refusal(file: Path) -> str:
    with pytest.raises(DataError) as caught:
        read_file(file)
    message = str(caught.value)
    assert "\n" not in message
    assert repr(str(file)) in message
    return message


def classes(file: Path) -> dict[str, tuple[str, ...]]:
    return {one.name: one.load() for one in read_file(file).classes}


def test_rows_of_a_table_become_classes(tmp_path: Path) -> None:
    file = write(
        tmp_path, 'text,label,more\nhi,greet,1\n"is it, ""raining""\nnow?",weather,2\nhallo,greet,3\n'
    )

    assert read_file(file).modality == "text"
    assert classes(file) == {"greet": ("hi", "hallo"), "weather": ('is it, "raining"\nnow?',)}
    assert {one.split for one in read_file(file).classes} == {None}


def test_lines_of_json_become_classes(tmp_path: Path) -> None:
    lines = [{"text": "grüß dich", "label": "greet"}, {"text": "so so", "label": 7}]
    file = write(tmp_path, "\n\n".join(map(json.dumps, lines)), "mine.jsonl")

    assert classes(file) == {"greet": ("grüß dich",), "7": ("so so",)}


def test_a_mark_at_the_beginning_is_no_part_of_a_column(tmp_path: Path) -> None:
    assert classes(write(tmp_path, b"\xef\xbb\xbftext,label\r\nhi,a\r\n")) == {"a": ("hi",)}


def test_a_column_may_name_the_splits(tmp_path: Path) -> None:
    file = write(tmp_path, "text,label,split\nx,a,meta_train\ny,a,meta_train\nz,b,meta_test\n")

    assert {one.name: one.split for one in read_file(file).classes} == {"a": "meta_train", "b": "meta_test"}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "has the columns none; the columns 'text' and 'label' are expected"),
        ("text,intent\nhi,a\n", "has the columns 'text', 'intent'; "),
        ("text,label\nhi,a\nho,\n", "has no label in line 3; the name of a class is expected"),
        ("text,label\nhi,a\nho\n", "has no label in line 3"),
        ("text,label\nhi,a\n,b\n", "has no text in line 3; one that is not blank"),
        ('text,label\nhi,a\n" \t",b\n', "has no text in line 3"),
        ("text,label\nhi,a\nhi,there,b\n", "has more fields than its head in line 3"),
        ('text,label\nhi,a\n"hi" there,b\n', "cannot be read in line 3 ("),
        ('text,label\nhi,a\n"hi', "cannot be read in line 3 ("),
        ("text,label,split\nhi,a,test\n", "has the split 'test' in line 2; one of meta_train, meta_val"),
        (
            "text,label,split\nhi,a,meta_val\nx,a,meta_test\n",
            "has the class 'a' in meta_val and in meta_test",
        ),
        ("text,label,id\nx,a,1\ny,a,2\nz,a,1\n", "has the id '1' in line 2 and in line 4"),
        (b"text,label\nhi,a\nhi \xe4,b\n", "has bytes in line 3 that are no text"),
        ("text,label\nhi,a\n".encode("utf-16"), "has bytes in line 1 that are no text"),
    ],
    ids=range(14),
)
def test_a_table_that_is_none_is_refused_by_its_line(tmp_path: Path, content: str | bytes, reason: str):
    assert reason in refusal(write(tmp_path, content))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("{", "cannot be read in line 2 ("),
        ("[" * 100_000, "cannot be read in line 2 ("),
        ("[1]", "has something else in line 2; the columns"),
        ('{"utterance": "x"}', "has something else in line 2"),
        ('{"text": "x"}', "has no label in line 2"),
        ('{"text": "x", "label": true}', "has no label in line 2"),
        ('{"text": 5, "label": "a"}', "has no text in line 2"),
        ('{"text": "\\ud83d", "label": "a"}', "has half a character in line 2; Unicode"),
        ('{"text": "x", "label": "a", "id": 0}', "has the id 0 in line 1 and in line 2"),
    ],
)
def test_a_line_of_json_that_is_no_row_is_refused(tmp_path: Path, line: str, reason: str) -> None:
    first = '{"text": "x", "label": "a", "id": 0}\n'

    assert reason in refusal(write(tmp_path, first + line, "mine.jsonl"))


def test_ids_are_optional_row_by_row(tmp_path: Path) -> None:
    assert classes(write(tmp_path, "text,label,id\nx,a,\ny,a,\n")) == {"a": ("x", "y")}


@pytest.mark.parametrize("name", ["mine.txt", "mine", "mine.json"])
def test_other_files_are_refused(tmp_path: Path, name: str) -> None:
    assert "file; .csv or .jsonl is expected" in refusal(write(tmp_path, "x", name))
