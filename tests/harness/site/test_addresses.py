"""Names of files: of known letters, never the same for two things."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metabench.leaderboards.table import Track
from metabench.site.addresses import board_name, part_name, result_names


def track(make_record, name: str = "omniglot-5w1s", **changes) -> Track:
    record = make_record(benchmark={"name": name})
    told = {"pretrained": False, "device_class": "cpu-2", "precision": "fp32"} | changes
    return Track(record.benchmark, record.budget, **told)


def test_a_board_is_named_by_benchmark_and_budget(make_record) -> None:
    assert re.fullmatch(r"omniglot-5w1s-300s-[0-9a-f]{8}", board_name(track(make_record)))


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "<script>", "名前", "", "CON", "a" * 500, "x\0y", "-rf", ".hidden", "a/b\\c"]
)
def test_a_hostile_name_stays_within_the_folder(make_record, name: str) -> None:
    assert re.fullmatch(r"[a-z0-9][a-z0-9-]{7,48}", board_name(track(make_record, name)))


def test_boards_under_other_rules_have_other_names(make_record) -> None:
    tracks = [
        track(make_record),
        track(make_record, pretrained=True),
        track(make_record, device_class="H200"),
        track(make_record, precision="bf16"),
        track(make_record, name="OMNIGLOT-5w1s"),
    ]
    assert len(set(map(board_name, tracks))) == len(tracks)


def test_parts_of_a_board_count_from_the_whole() -> None:
    assert [part_name("board", part) for part in range(3)] == ["board", "board.2", "board.3"]


def test_results_are_named_shortly_unless_that_would_name_two() -> None:
    same = "a" * 16
    first, second = same + "0" * 48, same + "1" * 48
    assert result_names([second, first, "b" * 64]) == {first: same, second: second, "b" * 64: "b" * 16}


@given(st.sets(st.text("ab", min_size=64, max_size=64), max_size=20))
def test_no_two_results_share_a_name(identities: set[str]) -> None:
    names = result_names(identities)
    assert names.keys() == identities
    assert len(set(names.values())) == len(identities)
