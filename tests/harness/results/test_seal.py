"""The seal: whatever is edited in a record's file breaks it."""

import hashlib

import pytest

from metabench.results.schema import read_any
from metabench.results.seal import seal_holds, sealed


@pytest.fixture
def content(make_record) -> bytes:
    return sealed(make_record(status="crashed"))


def test_a_record_is_sealed_by_the_hash_of_its_file_with_zeros_in_place_of_the_seal(content) -> None:
    seal = read_any(content).seal

    assert seal is not None
    assert hashlib.sha256(content.replace(seal.encode(), b"0" * 64)).hexdigest() == seal
    assert seal_holds(content)


def test_no_byte_can_be_changed(content) -> None:
    for place in range(len(content)):
        assert not seal_holds(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]), place


@pytest.mark.parametrize("content", [b"", b"{}", b'{\n  "seal": null\n}\n'])
def test_what_has_no_seal_is_not_sealed(content: bytes) -> None:
    assert not seal_holds(content)


def test_a_stranger_cannot_put_a_seal_of_their_own_into_a_text(make_record, make_plugin) -> None:
    evil = '"seal": "' + "f" * 64 + '"\n}\n'
    record = make_record(algorithm=make_plugin(evil, {"seal": "f" * 64}), seal="e" * 64)

    assert seal_holds(sealed(record))
    assert read_any(sealed(record)).seal not in ("e" * 64, "f" * 64)
