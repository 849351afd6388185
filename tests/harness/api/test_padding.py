"""Padding is cut off as far as nobody needs it."""

import torch

from metabench.api import trim_padding


def inputs(*rows):
    ids = torch.tensor(rows)
    return {"ids": ids, "mask": ids != 0}


def test_places_without_any_token_are_cut_off():
    trimmed = trim_padding(inputs([5, 2, 0, 0], [3, 0, 0, 0]))

    assert trimmed["ids"].tolist() == [[5, 2], [3, 0]]
    assert trimmed["mask"].tolist() == [[True, True], [True, False]]


def test_full_texts_stay_as_they_are():
    full = inputs([1, 2], [3, 0])

    assert torch.equal(trim_padding(full)["ids"], full["ids"])


def test_one_place_is_left_where_there_is_no_token():
    assert trim_padding(inputs([0, 0]))["ids"].shape == (1, 1)
