"""Labelled texts to classes, with splits of classes that stand in files beside the recipes."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING, cast

from metabench.data.recipe import SPLITS, ClassExamples
from metabench.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from metabench.data.recipe import Split

Labelled = tuple[str, str]


def read_folds(folds_file: Path) -> dict[str, dict[str, Split]]:
    """Number of a fold → class → its split."""
    folds = cast("dict[str, dict[Split, list[str]]]", json.loads(folds_file.read_text(encoding="utf-8")))
    return {
        number: {name: split for split in SPLITS for name in splits[split]}
        for number, splits in folds.items()
    }


def fold_name(dataset: str, number: str) -> str:
    """The name of a fold on the command line: the first has that of the dataset."""
    return dataset if number == "1" else f"{dataset}-fold{number}"


def group(
    dataset: str, labelled: Iterable[Labelled], split_of: Mapping[str, Split]
) -> Iterator[ClassExamples]:
    """Gather the texts of each class in the order in which they come, without the white space around them.

    Args:
        dataset: For messages.
        labelled: Class and text.
        split_of: The split of each class that there is.

    Raises:
        DataError: A class has no split, or no text.
    """
    texts: dict[str, list[str]] = {name: [] for name in split_of}
    for label, text in labelled:
        if label not in texts:
            raise unexpected(dataset, f"has class {label!r}, which the class split does not know")
        texts[label].append(text.strip())
    for name in sorted(texts):
        if not texts[name]:
            raise unexpected(dataset, f"has no text of class {name!r}")
        yield ClassExamples(name, split_of[name], tuple(texts[name]))


def read_csv(dataset: str, file: Path, text: str, label: str) -> Iterator[Labelled]:
    """Read class and text from two columns of a CSV file.

    Raises:
        DataError: It is none, or lacks a column.
    """
    try:
        lines = StringIO(file.read_bytes().decode(), newline="")
        for row in csv.DictReader(lines, strict=True):
            if row[label] is None or row[text] is None:
                raise ValueError(f"it has the short row {list(row.values())!r}")  # noqa: TRY301
            yield row[label], row[text]
    except (ValueError, KeyError, csv.Error) as error:
        raise _unreadable(dataset, file, error, f"a CSV file with columns {text} and {label}") from error


def read_jsonl(dataset: str, file: Path, text: str, label: str) -> Iterator[Labelled]:
    """Read class and text from two fields of each line of a JSON Lines file.

    Raises:
        DataError: It is none, or a line lacks a field.
    """
    try:
        for line in StringIO(file.read_text(encoding="utf-8")):
            row = json.loads(line)
            yield str(row[label]), str(row[text])
    except (ValueError, LookupError, TypeError) as error:
        raise _unreadable(dataset, file, error, f"lines of JSON with {text} and {label}") from error


def read_json(dataset: str, file: Path) -> dict[str, list[object]]:
    """Read a JSON file that holds lists by name.

    Raises:
        DataError: It does not.
    """
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise _unreadable(dataset, file, error, "JSON") from error
    if not isinstance(told, dict) or not all(isinstance(rows, list) for rows in told.values()):
        raise _unreadable(dataset, file, "it holds something else", "lists by name")
    return told


def unexpected(dataset: str, what: str) -> DataError:
    """Say that files are not what upstream published."""
    return DataError(
        f"Dataset {dataset!r} {what}; expected what upstream published. "
        f"Run `metabench data pull {dataset} --again`."
    )


def _unreadable(dataset: str, file: Path, reason: object, expected: str) -> DataError:
    return DataError(
        f"File {str(file)!r} of dataset {dataset!r} cannot be read ({reason}); expected {expected}. "
        f"Run `metabench data pull {dataset} --again`."
    )
