"""Texts in two arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.data.texts import Texts, is_encodable, pack


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts_come_out_as_they_went_in(given_texts: list[str]) -> None:
    texts = pack(given_texts)

    assert list(texts) == given_texts
    assert len(texts) == len(given_texts)
    assert (texts.data.dtype, texts.offsets.dtype) == (np.uint8, np.int64)


def test_texts_are_counted_from_either_end() -> None:
    texts = pack(["a", "", "ü€😀"])

    assert (texts[0], texts[1], texts[2], texts[-1], texts[-3]) == ("a", "", "ü€😀", "ü€😀", "a")
    for index in (3, -4):
        with pytest.raises(IndexError):
            texts[index]


def test_damaged_bytes_are_no_text() -> None:
    with pytest.raises(UnicodeDecodeError):
        Texts(np.array([0xFF], np.uint8), np.array([0, 1]))[0]


def test_half_a_surrogate_pair_is_no_unicode() -> None:
    assert is_encodable("😀")
    assert not is_encodable("\ud83d")
