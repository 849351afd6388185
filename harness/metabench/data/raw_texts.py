"""Bringing texts: a CSV or JSONL file with the columns `text` and `label`."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING, Any

from metabench.data.raw import RawClass, RawDataset, refuse
from metabench.data.recipe import SPLITS
from metabench.data.texts import is_encodable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from metabench.data.recipe import Split

_EXPECTED = "the columns 'text' and 'label' are expected, and perhaps 'split' and 'id'"


@dataclass(frozen=True)
class Row:
    """One labelled text.

    Attributes:
        text: Not blank.
        label: The class.
        split: The split of the class, if the user has made the splits.
    """

    text: str
    label: str
    split: Split | None


def read_file(file: Path) -> RawDataset:
    """Read the texts of a `.csv` or `.jsonl` file, in UTF-8.

    Raises:
        DataError: It is neither, or a line of it has no text, no label, an unknown split, or an `id` that
            was there before; a class is in two splits.
    """
    readers = {".csv": _read_csv, ".jsonl": _read_jsonl}
    reader = readers.get(file.suffix.lower())
    if reader is None:
        raise refuse(file, f"is a {file.suffix!r} file", ".csv or .jsonl is expected", "Convert or rename it")
    return group(check_rows(file, reader(file)), file)


def check_rows(where: object, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[Row]:
    """Check rows one after the other.

    Args:
        where: The file, for messages.
        rows: Where each stands, e.g. "line 3", and its columns.
    """
    seen: dict[object, str] = {}
    for place, row in rows:
        name = row.get("id")
        if name not in {None, ""} and seen.setdefault(name, place) != place:
            raise refuse(
                where,
                f"has the id {name!r} in {seen[name]} and in {place}",
                "an id of its own is expected in each",
                "Delete one of them, or the column 'id'",
            )
        yield _check_row(where, place, row)


def _check_row(where: object, place: str, row: Mapping[str, Any]) -> Row:
    text, label, split = row.get("text"), row.get("label"), row.get("split")
    if isinstance(label, int) and not isinstance(label, bool):
        label = str(label)
    mend = "Mend or delete it"
    if not isinstance(text, str) or not text.strip():
        raise refuse(where, f"has no text in {place}", "one that is not blank is expected", mend)
    if not isinstance(label, str) or not label.strip():
        raise refuse(where, f"has no label in {place}", "the name of a class is expected", mend)
    if not is_encodable(text + label):
        raise refuse(where, f"has half a character in {place}", "Unicode is expected", mend)
    if split not in {None, *SPLITS}:
        raise refuse(
            where, f"has the split {split!r} in {place}", f"one of {', '.join(SPLITS)} is expected", mend
        )
    return Row(text, label.strip(), split)


def group(rows: Iterable[Row], where: object) -> RawDataset:
    """Put rows together by their classes, which keep the order of the rows.

    Raises:
        DataError: A class is in two splits, or in one and in none.
    """
    splits: dict[str, Split | None] = {}
    texts: dict[str, list[str]] = {}
    for row in rows:
        if splits.setdefault(row.label, row.split) != row.split:
            raise refuse(
                where,
                f"has the class {row.label!r} in {splits[row.label]} and in {row.split}",
                "all examples of a class are expected in one split",
                "Mend or delete the column 'split'",
            )
        texts.setdefault(row.label, []).append(row.text)
    return RawDataset(
        "text",
        tuple(
            RawClass(label, splits[label], len(examples), partial(tuple, examples))
            for label, examples in texts.items()
        ),
    )


def _read_csv(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    reader = csv.DictReader(_lines(file), strict=True)
    try:
        _check_columns(file, reader.fieldnames or ())
        for row in reader:
            place = f"line {reader.line_num}"
            if None in row:
                raise refuse(
                    file,
                    f"has more fields than its head in {place}",
                    "as many are expected",
                    "Quote its commas",
                )
            yield place, row
    except csv.Error as error:
        raise refuse(
            file, f"cannot be read in line {reader.reader.line_num} ({error})", "CSV is expected", "Mend it"
        ) from error


def _check_columns(file: Path, columns: Iterable[str]) -> None:
    if not {"text", "label"} <= set(columns):
        raise refuse(
            file, f"has the columns {', '.join(map(repr, columns)) or 'none'}", _EXPECTED, "Rename them"
        )


def _read_jsonl(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            reason = f"cannot be read in line {number} ({error})"
            raise refuse(file, reason, "a JSON object on each line is expected", "Mend it") from error
        if not isinstance(row, dict) or not {"text", "label"} & row.keys():
            raise refuse(file, f"has something else in line {number}", f"{_EXPECTED}", "Mend it")
        yield f"line {number}", row


def _lines(file: Path) -> Iterator[str]:
    """Decode a file line by line, so that what is no UTF-8 can be named by its line."""
    # Whole, as a file still open when a later line is refused would be closed at some other time.
    for number, line in enumerate(BytesIO(file.read_bytes()), start=1):
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            reason = f"has bytes in line {number} that are no text ({error.reason})"
            raise refuse(file, reason, "UTF-8 is expected", "Save it in UTF-8") from error
