"""Names of rows: unique, and no longer than that takes."""

import pytest

from metabench.leaderboards.labels import labels, labels_across


def test_a_name_that_stands_once_is_enough(make_plugin) -> None:
    assert labels([make_plugin("maml", {"inner_steps": 1}), make_plugin("protonet")]) == ["maml", "protonet"]


def test_one_plugin_in_two_rows_keeps_its_name(make_plugin) -> None:
    assert labels([make_plugin("conv4"), make_plugin("conv4")]) == ["conv4", "conv4"]


def test_namesakes_tell_the_options_that_differ(make_plugin) -> None:
    one = make_plugin("maml", {"inner_lr": 0.1, "inner_steps": 1, "first_order": True})
    two = make_plugin("maml", {"inner_lr": 0.1, "inner_steps": 5, "first_order": False})

    assert labels([one, two]) == [
        "maml (first_order=True, inner_steps=1)",
        "maml (first_order=False, inner_steps=5)",
    ]


def test_an_option_that_only_one_has_is_told_there(make_plugin) -> None:
    assert labels([make_plugin("maml"), make_plugin("maml", {"new": 1})]) == ["maml", "maml (new=1)"]


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"distribution": "acme"}, "maml (acme)"),
        ({"version": "2.0"}, "maml (2.0)"),
        ({"source_hash": "99887766554433"}, "maml (99887766)"),
        ({"target": "other:MAML"}, "maml (other:MAML)"),
        ({"version": "", "source_hash": ""}, "maml (no version)"),
        ({"source_hash": ""}, "maml (unread source)"),
        ({"version": "2.0", "source_hash": "99887766554433"}, "maml (2.0)"),
    ],
)
def test_namesakes_with_equal_options_tell_their_origin(
    make_plugin, fields: dict[str, str], label: str
) -> None:
    first, second = labels([make_plugin("maml"), make_plugin("maml", **fields)])

    assert second == label
    assert first != second


def test_each_of_many_namesakes_has_a_name_of_its_own(make_plugin) -> None:
    plugins = [
        make_plugin("maml", {"steps": steps}, version=version, source_hash=source)
        for steps in (1, 5)
        for version in ("1", "2")
        for source in ("a" * 64, "b" * 64)
    ]

    assert len(set(labels(plugins))) == 8


def test_across_boards_a_name_that_no_board_splits_stays(make_plugin) -> None:
    told = [("maml", make_plugin("maml", version=version)) for version in ("1.0", "2.0")]
    assert labels_across(told) == ["maml", "maml"]


def test_across_boards_namesakes_that_one_splits_are_split_on_all(make_plugin) -> None:
    five, ten = make_plugin("maml", {"steps": 5}), make_plugin("maml", {"steps": 10})
    told = [
        ("maml (steps=5)", five),
        ("maml (steps=10)", ten),
        ("maml", five),
        ("feat", make_plugin("feat")),
    ]
    assert labels_across(told) == ["maml (steps=5)", "maml (steps=10)", "maml (steps=5)", "feat"]


def test_across_boards_namesakes_of_two_packages_are_two(make_plugin) -> None:
    ours = [make_plugin("maml", {"steps": 5}, version="1"), make_plugin("maml", version="2")]
    theirs = make_plugin("maml", distribution="stranger", target="stranger:MAML")
    told = [("maml", ours[0]), ("maml", theirs), ("maml", ours[1])]

    first, second, third = labels_across(told)
    assert first == third == f"maml ({ours[0].distribution})"
    assert second == "maml (stranger)"
