"""Level 0: whatever is altered in a result is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from metabench.results.files import RECORD_FILE
from metabench.results.identity import IdentityParts
from metabench.verification.written import check_written


def test_what_is_as_it_was_written_is_verified(result) -> None:
    found = check_written(result.folder)

    assert (found.level, found.outcome, found.problems, found.remarks) == (0, "verified", (), ())


def leaves(told: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """All that is no mapping and no list, with the way to it."""
    items = enumerate(told) if isinstance(told, list) else told.items()
    for key, value in items:
        if isinstance(value, dict | list) and value:
            yield from leaves(value, (*path, key))
        else:
            yield (*path, key), value


def altered(value: Any) -> Iterator[Any]:
    """A value with one thing changed: each digit of a number, the ends of a text."""
    if isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        text = repr(value)
        for place, digit in enumerate(text):
            if digit.isdecimal():
                other = text[:place] + str((int(digit) + 1) % 10) + text[place + 1 :]
                yield Literal(other)
    elif isinstance(value, str):
        yield from (value + "0", "0" + value[1:] if value[:1] != "0" else "1" + value[1:])
    else:
        yield from (0, "0", ["0"], {"0": "0"})


class Literal(float):
    """A number as it is written, digit by digit."""

    def __new__(cls, text: str) -> Literal:
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __repr__(self) -> str:
        return self.text


def rewritten(told: Any, path: tuple[Any, ...], value: Any) -> str:
    """A record with another value in one place, and no other byte changed."""
    marked = json.loads(json.dumps(told))
    part = marked
    for key in path[:-1]:
        part = part[key]
    part[path[-1]] = "@" if isinstance(value, Literal) else value
    written = json.dumps(marked, indent=2, ensure_ascii=False) + "\n"
    return written.replace('"@"', repr(value)) if isinstance(value, Literal) else written


def test_every_edit_of_a_record_is_found(make_result, make_plugin) -> None:
    maml = make_plugin("maml", {"second_order": True, "inner_lr": 0.1, "inner_steps": 5, "note": "ä"})
    result = make_result(algorithm=maml)
    file = result.folder / RECORD_FILE
    content = file.read_text()
    told = json.loads(content)
    assert json.dumps(told, indent=2, ensure_ascii=False) + "\n" == content

    n_edits = 0
    for path, value in leaves(told):
        for other in altered(value):
            file.write_text(rewritten(told, path, other))
            assert check_written(result.folder).problems, f"{path}: {value!r} → {other!r}"
            n_edits += 1
    assert n_edits > 200
    file.write_text(content)
    assert not check_written(result.folder).problems


def test_no_key_can_be_left_out_or_said_twice(result) -> None:
    file = result.folder / RECORD_FILE
    lines = file.read_text().splitlines(keepends=True)
    for place, line in enumerate(lines):
        for other in ([], [line, line]):
            file.write_text("".join([*lines[:place], *other, *lines[place + 1 :]]))
            assert check_written(result.folder).problems, line


@pytest.mark.parametrize("name", ["predictions.parquet", "curve.parquet", "weights.safetensors"])
def test_every_byte_of_a_file_counts(result, name: str) -> None:
    file = result.folder / name
    content = file.read_bytes()
    for place in range(0, len(content), max(1, len(content) // 50)):
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        (problem,) = check_written(result.folder).problems
        assert problem.startswith(f"File '{name}' has sha256 ")
    file.write_bytes(content[:-1])
    assert check_written(result.folder).problems


def test_predictions_of_two_results_cannot_change_places(make_result) -> None:
    one, other = (make_result(seed).folder / "predictions.parquet" for seed in (0, 1))
    first, second = one.read_bytes(), other.read_bytes()
    one.write_bytes(second)
    other.write_bytes(first)

    for file in (one, other):
        (problem,) = check_written(file.parent).problems
        assert problem.startswith("File 'predictions.parquet' has sha256 ")


def test_a_file_that_is_gone_or_too_much_is_found(result) -> None:
    (result.folder / "weights.safetensors").unlink()
    assert check_written(result.folder).problems == (
        "There is no file 'weights.safetensors', of which its record tells.",
    )
    files = {name: sha for name, sha in result.record.files.items() if name != "weights.safetensors"}
    forged = result.forge(files=files)
    (forged.folder / "weights.safetensors").write_bytes(b"others")
    assert check_written(forged.folder).problems == (
        "There is a file 'weights.safetensors' of which its record does not tell.",
        "There are scores without weights.",
    )


def test_what_else_lies_there_is_named(result) -> None:
    (result.folder / "notes.txt").write_text("mine")

    found = check_written(result.folder)

    assert found.outcome == "verified"
    assert found.remarks == ("No file of a result, and not looked at: 'notes.txt'.",)


def test_a_record_cannot_make_a_verifier_read_elsewhere(result, tmp_path) -> None:
    (tmp_path / "secret").write_text("secret")
    forged = result.forge(files=dict(result.record.files) | {"../secret": "0" * 64})

    (problem,) = check_written(forged.folder).problems
    assert problem.startswith("Its record tells of a file '../secret'; expected curve.parquet, ")


def test_a_folder_goes_by_its_own_name(result) -> None:
    renamed = result.folder.rename(result.folder.with_name("best-result"))

    assert check_written(renamed).problems == (
        f"Its folder is called 'best-result'; expected {result.folder.name!r}.",
    )


def test_a_folder_that_takes_the_place_of_another_is_as_good(result) -> None:
    assert not check_written(result.folder.rename(f"{result.folder}~")).problems


@pytest.mark.parametrize("content", [None, b"", b"{", b'{"schema_version": 9}'])
def test_what_is_no_record_is_told_and_no_more_is_read(result, content: bytes | None) -> None:
    (result.folder / RECORD_FILE).unlink()
    if content is not None:
        (result.folder / RECORD_FILE).write_bytes(content)

    assert len(check_written(result.folder).problems) == 1


# What somebody finds out who makes the seal anew


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 7},
        {"identity": "e" * 64},
    ],
    ids=str,
)
def test_a_new_seal_does_not_hide_that_a_part_has_another_identity(result, changes: dict[str, Any]) -> None:
    forged = result.forge(**changes)

    problem = check_written(forged.folder).problems[0]
    assert problem.startswith("Its identity is ")
    assert IdentityParts.of(forged.record).identity() in problem


def test_a_time_is_one(result) -> None:
    forged = result.forge(started="yesterday")

    assert check_written(forged.folder).problems == (
        "It was started at 'yesterday'; expected a time, ISO 8601, with its zone.",
    )


# Schema 1


@pytest.fixture
def of_schema_1(result):
    """A result as schema 1 wrote it."""
    told = json.loads((result.folder / RECORD_FILE).read_text())
    for name in ("compute", "calibration", "disguise", "seal"):
        del told[name]
    for name in ("processor_s", "peak_device_mib"):
        del told["spent"][name]
    del told["files"]["curve.parquet"]
    (result.folder / "curve.parquet").unlink()
    identity = IdentityParts.of(result.record).identity(schema=1)
    (result.folder / RECORD_FILE).write_text(json.dumps(told | {"schema_version": 1, "identity": identity}))
    return type(result)(result.folder.rename(result.folder.with_suffix(f".{identity[:16]}")))


def test_a_result_of_schema_1_is_verified_but_not_sealed(of_schema_1) -> None:
    found = check_written(of_schema_1.folder)

    assert (found.outcome, found.problems) == ("verified", ())
    assert found.remarks[0].startswith(
        "Not sealed: its schema had no seal. What neither the identity covers "
    )


@pytest.mark.parametrize(
    ("old", "new"), [('"seed": 0', '"seed": 1'), ('"memory_mib": 8192', '"memory_mib": 81920')]
)
def test_its_identity_holds_it_together(of_schema_1, old: str, new: str) -> None:
    file = of_schema_1.folder / RECORD_FILE
    file.write_text(file.read_text().replace(old, new))

    assert check_written(of_schema_1.folder).problems[0].startswith("Its identity is ")


def test_a_seal_cannot_be_taken_off(result) -> None:
    forged = result.forge()
    file = forged.folder / RECORD_FILE
    told = json.loads(file.read_text()) | {"seal": None}
    file.write_text(json.dumps(told, indent=2) + "\n")

    assert check_written(forged.folder).problems == (
        "result.json is not as it was sealed: it was changed after it was written.",
    )
