"""What a text backbone may declare."""

import pytest

from metabench.spec.tokenizer import Tokenizer


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"kind": "bpe", "n_tokens": 2, "length": 2, "lowercase": False},
        {"kind": "file", "file": "some_package:model/tokenizer.json"},
    ],
)
def test_a_tokenizer_is_what_it_is_declared_as(declared):
    assert Tokenizer(**declared) == Tokenizer(**declared)


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        ({"kind": "wordpiece"}, "kind of tokenizer 'wordpiece'; expected word, bpe, file"),
        ({"n_tokens": 1}, "n_tokens of a tokenizer is 1; expected 2 … 1000000"),
        ({"length": 10**9}, "length of a tokenizer is 1000000000; expected 2 … 4096"),
        ({"kind": "file"}, "file of a 'file' tokenizer is ''"),
        ({"kind": "word", "file": "a:b"}, "file of a 'word' tokenizer is 'a:b'"),
        ({"kind": "file", "file": "/etc/passwd"}, "expected 'package:path'"),
        ({"kind": "file", "file": "a:/etc/passwd"}, "expected 'package:path'"),
        ({"kind": "file", "file": "a:../b.json"}, "expected a path without '..'"),
    ],
)
def test_what_cannot_be_trained_or_read_is_refused(declared, message):
    with pytest.raises(ValueError, match=message):
        Tokenizer(**declared)
