"""Episodes: pinned, well-formed, fair, and the same however they are drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from metabench.episodes.sampler import EpisodeIndices, check_possible, draw, manifest_hash
from metabench.episodes.stream import Stream, named_stream
from metabench.errors import UsageError
from metabench.spec.protocol import Protocol

STREAM = named_stream("tests", 0)
FIELDS = ("support", "support_labels", "query", "query_labels", "classes")


def starts_of(*sizes: int) -> NDArray[np.int64]:
    return np.cumsum([0, *sizes])


EQUAL = starts_of(*[20] * 30)
UNEQUAL = starts_of(*range(6, 36))


@st.composite
def pools(draw_: st.DrawFn) -> tuple[NDArray[np.int64], Protocol]:
    """A pool of classes of any sizes, and a protocol that it can fill."""
    protocol = Protocol(*(draw_(st.integers(low, 5)) for low in (2, 1, 1)))
    least = protocol.n_per_class
    sizes = draw_(st.lists(st.integers(least, least + 6), min_size=protocol.n_way, max_size=9))
    return starts_of(*sizes), protocol


streams = st.integers(0, 2**64 - 1).map(lambda key: Stream((key, 0)))
any_pool = given(pools(), streams, st.integers(0, 2**40))
fewer_examples = settings(max_examples=50)


def assert_same(one: EpisodeIndices, other: EpisodeIndices) -> None:
    for field in FIELDS:
        assert np.array_equal(getattr(one, field), getattr(other, field)), field


def joined(parts: list[EpisodeIndices]) -> EpisodeIndices:
    return EpisodeIndices(*(np.concatenate([getattr(part, field) for part in parts]) for field in FIELDS))


GOLDEN = [
    (EQUAL, Protocol(5, 1, 15), "9741aae62c7cd56514a454a814203b532130eb80ed548523f7ecd07bd8358166"),
    (EQUAL, Protocol(20, 5, 15), "5b7c117943086845c094dd3aae802d43c8808645e13e16a50c705ef81052bb32"),
    (EQUAL, Protocol(30, 10, 10), "06d72e288c69702eb212765b5e437923d163d428b8adffeb8e82b68acfa51017"),
    (UNEQUAL, Protocol(5, 1, 5), "09feca462eda174b65a1c530be5a14c414b0e5ceda64ac99ddc83aead02cd863"),
    (UNEQUAL, Protocol(2, 5, 1), "d8161ab112b11b5de0658106841aa40329d5f7e7e81f3910e4af42cf348d887d"),
]


@pytest.mark.parametrize(("starts", "protocol", "expected"), GOLDEN)
def test_episodes_are_the_same_everywhere(
    starts: NDArray[np.int64], protocol: Protocol, expected: str
) -> None:
    assert manifest_hash([draw(starts, protocol, STREAM, first=0, count=50)]) == expected


def test_an_episode_looks_like_this() -> None:
    episodes = draw(starts_of(3, 4, 5), Protocol(2, 1, 2), STREAM, first=0, count=1)

    assert {field: getattr(episodes, field).tolist() for field in FIELDS} == {
        "support": [[4, 2]],
        "support_labels": [[0, 1]],
        "query": [[1, 6, 0, 5]],
        "query_labels": [[1, 0, 1, 0]],
        "classes": [[1, 0]],
    }


@fewer_examples
@any_pool
def test_every_class_has_its_exact_numbers_of_examples(
    pool: tuple[NDArray[np.int64], Protocol], stream: Stream, first: int
) -> None:
    starts, protocol = pool
    episodes = draw(starts, protocol, stream, first=first, count=3)

    assert all(getattr(episodes, field).dtype == np.int64 for field in FIELDS)
    assert episodes.support.shape == episodes.support_labels.shape == (3, protocol.n_support_total)
    assert episodes.query.shape == episodes.query_labels.shape == (3, protocol.n_query_total)
    assert episodes.classes.shape == (3, protocol.n_way)
    for labels, each in [
        (episodes.support_labels, protocol.n_shot),
        (episodes.query_labels, protocol.n_query),
    ]:
        for row in labels:
            assert np.bincount(row).tolist() == [each] * protocol.n_way


@fewer_examples
@any_pool
def test_no_example_and_no_class_stands_twice_in_an_episode(
    pool: tuple[NDArray[np.int64], Protocol], stream: Stream, first: int
) -> None:
    starts, protocol = pool
    episodes = draw(starts, protocol, stream, first=first, count=3)

    for row in np.concatenate([episodes.support, episodes.query], axis=1):
        assert len(set(row.tolist())) == len(row)
    for row in episodes.classes:
        assert len(set(row.tolist())) == len(row)


@fewer_examples
@any_pool
def test_examples_come_from_the_class_of_their_label(
    pool: tuple[NDArray[np.int64], Protocol], stream: Stream, first: int
) -> None:
    starts, protocol = pool
    episodes = draw(starts, protocol, stream, first=first, count=3)
    class_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))

    for examples, labels in [
        (episodes.support, episodes.support_labels),
        (episodes.query, episodes.query_labels),
    ]:
        expected = np.take_along_axis(episodes.classes, labels, axis=1)
        assert np.array_equal(class_of[examples], expected)


@fewer_examples
@given(pools(), streams, st.integers(0, 2**40), st.permutations(range(10)))
def test_episodes_do_not_depend_on_order_or_batches(
    pool: tuple[NDArray[np.int64], Protocol], stream: Stream, first: int, order: list[int]
) -> None:
    starts, protocol = pool
    at_once = draw(starts, protocol, stream, first=first, count=10)
    singly = {index: draw(starts, protocol, stream, first=first + index, count=1) for index in order}
    cut = order[0]
    batches = [(first, cut), (first + cut, 10 - cut)]

    assert_same(at_once, joined([singly[index] for index in range(10)]))
    assert_same(at_once, joined([draw(starts, protocol, stream, first=f, count=n) for f, n in batches if n]))


def drawn_plainly(
    starts: NDArray[np.int64], protocol: Protocol, stream: Stream, index: int
) -> dict[str, list[int]]:
    """One episode, drawn without arrays: each choice sorts the candidates by their words."""
    sizes = np.diff(starts).tolist()
    largest = max(sizes)
    words = stream.words(index, 10_000).tolist()
    classes = sorted(range(len(sizes)), key=lambda one: words[one])[: protocol.n_way]
    support, queries = [], []
    for label, one in enumerate(classes):
        offset = len(sizes) + label * largest
        order = sorted(range(sizes[one]), key=lambda example: words[offset + example])
        examples = [int(starts[one]) + example for example in order]
        support += [(example, label) for example in examples[: protocol.n_shot]]
        queries += [(example, label) for example in examples[protocol.n_shot : protocol.n_per_class]]
    offset = len(sizes) + protocol.n_way * largest
    shuffled = sorted(range(len(queries)), key=lambda place: words[offset + place])
    return {
        "support": [example for example, _ in support],
        "support_labels": [label for _, label in support],
        "query": [queries[place][0] for place in shuffled],
        "query_labels": [queries[place][1] for place in shuffled],
        "classes": classes,
    }


@fewer_examples
@any_pool
def test_a_plain_way_of_drawing_gives_the_same(
    pool: tuple[NDArray[np.int64], Protocol], stream: Stream, first: int
) -> None:
    starts, protocol = pool
    episodes = draw(starts, protocol, stream, first=first, count=1)

    plain = drawn_plainly(starts, protocol, stream, first)
    assert {field: getattr(episodes, field)[0].tolist() for field in FIELDS} == plain


def test_a_class_as_large_as_needed_gives_all_its_examples() -> None:
    episodes = draw(starts_of(4, 4), Protocol(2, 1, 3), STREAM, first=0, count=20)

    together = np.sort(np.concatenate([episodes.support, episodes.query], axis=1), axis=1)
    assert np.array_equal(together, np.tile(np.arange(8), (20, 1)))


def test_drawing_does_not_touch_the_global_generator() -> None:
    np.random.seed(0)  # noqa: NPY002 - the global generator is what this is about
    before = np.random.get_state()[1].copy()  # noqa: NPY002

    draw(EQUAL, Protocol(5, 1, 15), STREAM, first=0, count=5)

    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize(
    "other",
    [named_stream("tests", 1), named_stream("others", 0), named_stream(0, "tests"), named_stream("tests")],
)
def test_other_streams_give_other_episodes(other: Stream) -> None:
    ours = draw(EQUAL, Protocol(5, 1, 15), STREAM, first=0, count=20)
    theirs = draw(EQUAL, Protocol(5, 1, 15), other, first=0, count=20)

    assert (ours.query != theirs.query).any(axis=1).all()
    assert manifest_hash([ours]) != manifest_hash([theirs])


def test_all_episodes_of_a_stream_differ() -> None:
    episodes = draw(EQUAL, Protocol(5, 1, 15), STREAM, first=0, count=1000)

    assert len(np.unique(np.concatenate([episodes.support, episodes.query], axis=1), axis=0)) == 1000


def chi_square(counts: NDArray[np.int64]) -> float:
    expected = counts.sum() / counts.size
    return float(((counts - expected) ** 2).sum() / expected)


def test_all_classes_come_up_equally_often_whatever_their_size() -> None:
    episodes = draw(UNEQUAL, Protocol(5, 1, 5), STREAM, first=0, count=6000)

    assert chi_square(np.bincount(episodes.classes.ravel(), minlength=30)) < 60  # 29 degrees of freedom


def test_all_classes_stand_for_each_label_equally_often() -> None:
    episodes = draw(EQUAL, Protocol(5, 1, 1), STREAM, first=0, count=6000)

    for label in range(5):
        assert chi_square(np.bincount(episodes.classes[:, label], minlength=30)) < 60


@pytest.mark.parametrize("part", ["support", "query"])
def test_all_examples_of_a_class_come_up_equally_often(part: str) -> None:
    starts = starts_of(6, 9)
    episodes = draw(starts, Protocol(2, 2, 3), STREAM, first=0, count=6000)
    counts = np.bincount(getattr(episodes, part).ravel(), minlength=15)

    assert chi_square(counts[:6]) < 25
    assert chi_square(counts[6:]) < 30


def test_queries_are_shuffled_anew_in_each_episode() -> None:
    episodes = draw(EQUAL, Protocol(5, 1, 15), STREAM, first=0, count=600)

    assert len(np.unique(episodes.query_labels, axis=0)) == 600
    for place in (0, 37, 74):
        assert chi_square(np.bincount(episodes.query_labels[:, place], minlength=5)) < 20


def test_the_manifest_tells_of_every_change() -> None:
    episodes = draw(EQUAL, Protocol(5, 1, 2), STREAM, first=0, count=3)
    hashes = {manifest_hash([episodes])}
    for field in ("support", "support_labels", "query", "query_labels"):
        changed = {name: getattr(episodes, name).copy() for name in FIELDS}
        changed[field][2, 0] += 1
        hashes.add(manifest_hash([EpisodeIndices(**changed)]))

    assert len(hashes) == 5


def test_a_protocol_that_fits_exactly_is_possible() -> None:
    check_possible(np.array([6, 6]), ("a", "b"), Protocol(2, 1, 5), "any meta_test")


@pytest.mark.parametrize("sizes", [[], [20] * 4])
def test_too_few_classes_are_reported(sizes: list[int]) -> None:
    with pytest.raises(
        UsageError,
        match=rf"glyphs meta_test has {len(sizes)} classes; 5w1s needs 5\. Lower n_way or choose another",
    ):
        check_possible(
            np.array(sizes, dtype=np.int64), ("x",) * len(sizes), Protocol(5, 1, 15), "glyphs meta_test"
        )


def test_the_smallest_class_is_reported_where_it_is_too_small() -> None:
    with pytest.raises(
        UsageError,
        match=r"birds meta_val has 4 examples of class 'b'; n_shot \+ n_query needs 6\. Lower n_shot or",
    ):
        check_possible(np.array([5, 4, 20]), ("a", "b", "c"), Protocol(2, 1, 5), "birds meta_val")
