"""Episodes of varied ways and shots: pinned, within their limits, and well-formed."""

import numpy as np
import pytest
from numpy.typing import NDArray

from metabench.episodes.manifest import check_protocol, draw_all
from metabench.episodes.sampler import EpisodeIndices, manifest_hash
from metabench.episodes.stream import named_stream
from metabench.episodes.varied import draw_varied, uniform
from metabench.errors import UsageError
from metabench.spec.protocol import AnyWay, Protocol, Vary

STREAM = named_stream("tests", 0)
TWENTIES = np.arange(0, 20 * 60 + 1, 20)
UNEQUAL = np.cumsum([0, *range(4, 204, 4)])
PROTOCOLS = [Vary(), AnyWay()]


def episodes(
    starts: NDArray[np.int64], protocol: Vary | AnyWay, count: int = 200
) -> tuple[EpisodeIndices, ...]:
    return draw_all(starts, protocol, STREAM, count)


@pytest.mark.parametrize(
    ("starts", "protocol", "expected"),
    [
        (TWENTIES, Vary(), "f70d7f36a7a979c68c78e2b0d6268dd7d6c7153e6945ccf87e900c14e99b3b3a"),
        (UNEQUAL, Vary(), "ae62c96372c2f1c2e42c4dcfc1301c520e8decb3eb6250b97177413421ca7d17"),
        (TWENTIES, AnyWay(), "e58ee226f41079d613e904c86b113f8bfffd13f1d36ac43a6ec27529ab788489"),
        (UNEQUAL, AnyWay(), "b1d3208e6bff882f25a38187276e136792cbd64433a4a1db1c5bf33445c2bc96"),
    ],
)
def test_episodes_are_the_same_everywhere(
    starts: NDArray[np.int64], protocol: Vary | AnyWay, expected: str
) -> None:
    assert manifest_hash(episodes(starts, protocol, 50)) == expected


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.short_name)
@pytest.mark.parametrize("starts", [TWENTIES, UNEQUAL], ids=["equal", "unequal"])
def test_examples_are_distinct_and_of_the_class_of_their_label(
    starts: NDArray[np.int64], protocol: Vary | AnyWay
) -> None:
    for one in episodes(starts, protocol):
        assert len({*one.support[0], *one.query[0]}) == one.support.size + one.query.size
        for examples, labels in ((one.support, one.support_labels), (one.query, one.query_labels)):
            assert np.array_equal(starts.searchsorted(examples, side="right") - 1, one.classes[:, labels[0]])
        assert set(one.support_labels[0]) == set(one.query_labels[0]) == set(range(one.classes.size))


@pytest.mark.parametrize("protocol", PROTOCOLS, ids=lambda one: one.short_name)
def test_an_episode_depends_on_its_number_alone(protocol: Vary | AnyWay) -> None:
    drawn = episodes(UNEQUAL, protocol, 30)
    for index in (29, 3, 17):
        alone = draw_varied(UNEQUAL, protocol, STREAM, index)
        assert manifest_hash([alone]) == manifest_hash([drawn[index]])


def test_vary_keeps_the_limits_of_meta_dataset() -> None:
    drawn = episodes(UNEQUAL, Vary(), 400)
    sizes = np.diff(UNEQUAL)
    ways = [one.classes.size for one in drawn]
    assert (min(ways), max(ways)) == (5, 50)
    for one in drawn:
        smallest = sizes[one.classes[0]].min()
        n_query = np.bincount(one.query_labels[0])
        assert set(n_query) == {min(10, smallest // 2)}
        assert one.support.size <= 500
        shots = np.bincount(one.support_labels[0])
        assert (shots + n_query <= sizes[one.classes[0]]).all()
    assert any(np.ptp(np.bincount(one.support_labels[0])) > 5 for one in drawn)


def test_any_way_any_shot_gives_each_class_of_an_episode_the_same_shot() -> None:
    starts = np.arange(0, 60 * 40 + 1, 40)
    drawn = episodes(starts, AnyWay(), 400)
    shapes = {(one.classes.size, one.support.size // one.classes.size) for one in drawn}
    assert {way for way, _ in shapes} == set(range(2, 21))
    assert {shot for _, shot in shapes} == set(range(1, 21))
    for one in drawn:
        assert len(set(np.bincount(one.support_labels[0]))) == 1
        assert set(np.bincount(one.query_labels[0])) == {20}


def test_all_ways_come_up_equally_often() -> None:
    ways = np.bincount([one.classes.size for one in episodes(TWENTIES, AnyWay(), 3800)], minlength=21)[2:]
    assert len(ways) == 19
    expected = 200
    # Chi-square with 18 degrees of freedom: beyond 42.3 in one of a thousand.
    assert ((ways - expected) ** 2 / expected).sum() < 42.3


def test_a_random_word_maps_onto_the_whole_range() -> None:
    assert uniform(0, 5, 50) == 5
    assert uniform(2**64 - 1, 5, 50) == 50


def test_fixed_episodes_come_in_batches_of_one_shape() -> None:
    drawn = draw_all(TWENTIES, Protocol(5, 1, 15), STREAM, 50)
    assert [len(one.support) for one in drawn] == [20, 20, 10]


@pytest.mark.parametrize(
    ("sizes", "protocol", "message"),
    [
        ([20] * 4, Vary(), r"^toy meta_test has 4 classes; vary needs at least 5\. Choose another"),
        ([20], AnyWay(), r"^toy meta_test has 1 classes; anyway needs at least 2\."),
        ([20, 1, 20], AnyWay(), r"^toy meta_test has 1 example of class 'b'; anyway needs at least 2\."),
        ([20] * 4, Protocol(5, 1, 15), r"^toy meta_test has 4 classes; 5w1s needs 5\."),
    ],
)
def test_what_cannot_be_drawn_is_refused(
    sizes: list[int], protocol: Vary | AnyWay | Protocol, message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        check_protocol(np.cumsum([0, *sizes]), "abcd"[: len(sizes)], protocol, "toy meta_test")
