"""Labelled texts to classes: order, splits, and files that are not what they should be."""

import json
from pathlib import Path

import pytest

from metabench.errors import DataError
from metabench_plugins.datasets._utterances import (
    fold_name,
    group,
    read_csv,
    read_folds,
    read_json,
    read_jsonl,
)

SPLIT = {"late": "meta_test", "early": "meta_train"}


def write(folder: Path, text: str) -> Path:
    file = folder / "file"
    file.write_text(text, encoding="utf-8")
    return file


def test_classes_come_by_name_with_their_texts_in_order_and_stripped() -> None:
    early, late = group("demo", [("late", " c\n"), ("early", "b"), ("late", "a"), ("late", "c")], SPLIT)

    assert (early.name, early.split, early.examples) == ("early", "meta_train", ("b",))
    assert (late.name, late.split, late.examples) == ("late", "meta_test", ("c", "a", "c"))


@pytest.mark.parametrize(
    ("labelled", "message"),
    [
        ([("early", "a"), ("other", "b")], "has class 'other', which the class split does not know"),
        ([("early", "a")], "has no text of class 'late'"),
    ],
)
def test_classes_that_do_not_fit_the_split_are_told(labelled: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(DataError, match=f"^Dataset 'demo' {message}; .*metabench data pull demo --again"):
        list(group("demo", labelled, SPLIT))


def test_a_csv_file_may_have_quotes_and_line_ends_in_texts(tmp_path: Path) -> None:
    file = write(tmp_path, 'text,category\n"one, two\n""three""",a\nfour,b\n')

    assert list(read_csv("demo", file, "text", "category")) == [("a", 'one, two\n"three"'), ("b", "four")]


@pytest.mark.parametrize("text", ["text\na\n", "text,category\nonly\n", 'text,category\n"a,b\n'])
def test_a_csv_file_of_another_form_is_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(
        DataError, match=r"cannot be read .*expected a CSV file with columns text and category"
    ):
        list(read_csv("demo", write(tmp_path, text), "text", "category"))


@pytest.mark.parametrize("text", ["{", "[]", '{"text": "a"}', "3"])
def test_lines_of_another_form_are_told(tmp_path: Path, text: str) -> None:
    with pytest.raises(DataError, match=r"cannot be read .*expected lines of JSON with text and label"):
        list(read_jsonl("demo", write(tmp_path, text), "text", "label"))


@pytest.mark.parametrize(
    ("text", "expected"), [("{", "JSON"), ("[]", "lists by name"), ('{"a": 1}', "lists by name")]
)
def test_json_of_another_form_is_told(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(DataError, match=rf"cannot be read .*expected {expected}"):
        read_json("demo", write(tmp_path, text))


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"\xff\xfe")

    for read in (lambda: list(read_csv("d", file, "a", "b")), lambda: read_json("d", file)):
        with pytest.raises(DataError, match="cannot be read"):
            read()


def test_folds_are_read_by_number(tmp_path: Path) -> None:
    folds = {"1": {"meta_train": ["a"], "meta_val": ["b"], "meta_test": ["c"]}}

    assert read_folds(write(tmp_path, json.dumps(folds))) == {
        "1": {"a": "meta_train", "b": "meta_val", "c": "meta_test"}
    }


def test_the_first_fold_has_the_name_of_the_dataset() -> None:
    assert [fold_name("demo", number) for number in "12"] == ["demo", "demo-fold2"]
