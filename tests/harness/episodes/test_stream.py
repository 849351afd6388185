"""Random numbers by coordinates: pinned, apart from each other, and independent of how they are asked."""

import numpy as np
import pytest

from metabench.episodes import stream
from metabench.episodes.stream import Stream, named_stream


def philox_block(counter: list[int], key: tuple[int, int]) -> list[int]:
    """Philox4x64-10 as Salmon et al. (2011) define it: one block of four words."""
    low_64 = 2**64 - 1
    for turn in range(10):
        keys = [
            (key[0] + turn * 0x9E3779B97F4A7C15) & low_64,
            (key[1] + turn * 0xBB67AE8584CAA73B) & low_64,
        ]
        first, second = counter[0] * 0xD2E7470EE14C6C93, counter[2] * 0xCA5A826395121157
        counter = [
            (second >> 64) ^ counter[1] ^ keys[0],
            second & low_64,
            (first >> 64) ^ counter[3] ^ keys[1],
            first & low_64,
        ]
    return counter


@pytest.mark.parametrize("index", [0, 1, 599, 2**63, 2**64 - 1])
def test_the_words_are_those_of_philox(index: int) -> None:
    one = named_stream("a")
    blocks = [philox_block([block, 0, index, 0], one.key) for block in (1, 2)]

    assert one.words(index, 8).tolist() == [*blocks[0], *blocks[1]]


def test_the_words_are_the_same_everywhere() -> None:
    assert Stream((1, 2)).words(0, 3).tolist() == [
        5705853004827290377,
        6584680345644299050,
        680768428710196683,
    ]
    assert Stream((1, 2)).words(7, 2).tolist() == [9556631613429346326, 2305117492508342374]


def test_the_key_of_a_name_is_pinned() -> None:
    assert named_stream("glyphs", "meta_test", 0).key == (188376335624725204, 10651315044229521624)


def test_words_do_not_depend_on_how_many_are_asked() -> None:
    few, many = named_stream("a").words(3, 5), named_stream("a").words(3, 5000)

    assert np.array_equal(few, many[:5])
    assert many.dtype == np.uint64


def test_asking_changes_nothing() -> None:
    one = named_stream("a")
    first = one.words(0, 8)
    one.words(1, 100)

    assert np.array_equal(one.words(0, 8), first)


@pytest.mark.parametrize(
    "other",
    [
        ("glyphs", "meta_test", 1),
        ("glyphs", "meta_val", 0),
        ("omniglot", "meta_test", 0),
        ("meta_test", "glyphs", 0),
    ],
)
def test_other_coordinates_give_other_words(other: tuple[str, str, int]) -> None:
    ours, theirs = named_stream("glyphs", "meta_test", 0), named_stream(*other)

    assert not np.intersect1d(ours.words(0, 100), theirs.words(0, 100)).size


def test_episodes_of_a_stream_share_no_words() -> None:
    one = named_stream("a")
    words = np.concatenate([one.words(index, 1000) for index in [*range(10), 2**32, 2**63, 2**64 - 1]])

    assert len(np.unique(words)) == len(words)


def test_words_fill_their_range_evenly() -> None:
    words = named_stream("a").words(0, 64_000)
    counts = np.bincount((words >> np.uint64(58)).astype(np.int64), minlength=64)

    assert 30 < ((counts - 1000) ** 2 / 1000).sum() < 110  # chi-square with 63 degrees of freedom


def test_another_version_of_the_sampler_draws_from_another_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    before = named_stream("a")
    monkeypatch.setattr(stream, "SAMPLER_VERSION", stream.SAMPLER_VERSION + 1)

    assert named_stream("a") != before
