"""Protocols: how they are written, and which no episode can have."""

from dataclasses import asdict

import pytest

from metabench.errors import UsageError
from metabench.spec.protocol import AnyWay, Protocol, Vary, parse_protocol, told_protocol


def test_reads_ways_and_shots() -> None:
    assert parse_protocol("20w5s") == Protocol(n_way=20, n_shot=5, n_query=15)
    assert parse_protocol("5w1s", n_query=3) == Protocol(n_way=5, n_shot=1, n_query=3)


@pytest.mark.parametrize(
    "text", ["", "5w", "w1s", "5w1", "5W1S", "5-way", " 5w1s", "5w1s ", "5w1s\n", "-5w1s", "Vary"]
)
def test_anything_else_is_no_protocol(text: str) -> None:
    assert parse_protocol(text) is None


def test_the_short_name_reads_back() -> None:
    protocol = Protocol(7, 3, 15)

    assert protocol.short_name == "7w3s"
    assert parse_protocol(protocol.short_name) == protocol


def test_counts_examples() -> None:
    protocol = Protocol(n_way=5, n_shot=2, n_query=15)

    assert (protocol.n_support_total, protocol.n_query_total, protocol.n_per_class) == (10, 75, 17)


@pytest.mark.parametrize("n_way", [1, 0, -1])
def test_refuses_fewer_than_two_classes(n_way: int) -> None:
    with pytest.raises(
        UsageError, match=rf"n_way is {n_way}; an episode needs at least 2 classes\. Name e\.g\."
    ):
        Protocol(n_way, 1, 1)


@pytest.mark.parametrize(("n_shot", "n_query", "name"), [(0, 1, "n_shot"), (1, 0, "n_query")])
def test_refuses_an_episode_without_support_or_query(n_shot: int, n_query: int, name: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is 0; expected at least 1"):
        Protocol(5, n_shot, n_query)


def test_a_protocol_that_is_written_well_may_still_be_impossible() -> None:
    with pytest.raises(UsageError, match="n_way is 1"):
        parse_protocol("1w5s")


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Vary(min_way=1), r"min_way of vary is 1; expected at least 2\."),
        (lambda: Vary(min_way=9, max_way=8), r"max_way of vary is 8; expected at least 9\."),
        (lambda: Vary(max_query=0), "max_query of vary is 0"),
        (lambda: AnyWay(min_shot=3, max_shot=2), r"max_shot of anyway is 2; expected at least 3\."),
        (lambda: AnyWay(n_query=-1), "n_query of anyway is -1"),
    ],
)
def test_refuses_varied_episodes_that_cannot_be(make, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        make()


@pytest.mark.parametrize("protocol", [Protocol(20, 5, 3), Vary(max_way=9), AnyWay(n_query=7)], ids=str)
def test_a_protocol_is_known_again_from_its_name_and_parameters(protocol) -> None:
    assert told_protocol(protocol.short_name, asdict(protocol)) == protocol


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("5w1s", {"n_way": 6, "n_shot": 1, "n_query": 15}),
        ("5w1s", {"n_way": 5, "n_shot": 1}),
        ("5w1s", {"n_way": 5, "n_shot": 1, "n_query": 15, "more": 1}),
        ("vary", {"n_way": 5, "n_shot": 1, "n_query": 15}),
    ],
)
def test_other_parameters_than_the_name_tells_of_are_refused(name: str, parameters: dict[str, int]) -> None:
    with pytest.raises(UsageError, match=rf"Protocol '{name}' has the parameters \{{'n_way': "):
        told_protocol(name, parameters)
