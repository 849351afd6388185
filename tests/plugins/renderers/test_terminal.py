"""Leaderboards in the terminal: they fit, they say what matters, and they cannot harm it."""

import math
from dataclasses import replace

import numpy as np

from metabench.scoring.compare import Comparisons
from metabench.scoring.interval import Interval
from metabench_plugins.renderers.terminal import metabench_renderers, render

TYPICAL = """\
omniglot-5w1s: accuracy in %, 600 episodes
Budget: 300 s of meta-training, 8192 MiB, 5 s per test episode. Device:
cpu-2-threads, fp32. Track: no pretraining. Backbone: conv4.

rank  algorithm   accuracy              spent      status         audit
----  ----------  --------------------  ---------  -------------  ------------
1–2   protonet    97.93 [97.66, 98.20]  300/300 s  ok             inductive
1–2   maml        93.26 [92.78, 93.74]  300/300 s  3 of 3 ok      inductive
–     transmatch  97.93 [97.66, 98.20]  300/300 s  timeout        transductive
–     fomaml      –                     4.2/300 s  out of memory  not audited


Rank: from 1 + the number of methods that are significantly better to the last
place that is not held by a significantly worse one (t-tests, paired on the same
episodes, Holm's correction, 5 %). The spread over seeds counts where a method
has several; with one it is judged by that one.
Without rank (–): some episodes have no score through no fault of the method,
the audit was failed, or the method uses other queries (transductive) or earlier
episodes (stateful)."""


def width(shown: str) -> int:
    return max(map(len, shown.split("\n")))


def test_a_typical_board_fits_into_80_columns(typical) -> None:
    shown = render([typical])

    assert "\n".join(line.rstrip() for line in shown.split("\n")) == TYPICAL
    assert width(shown) <= 80


def test_an_unsteady_machine_is_marked_and_explained(board, row, typical) -> None:
    shown = render([board(row(is_steady=False))])

    assert "~300/300 s" in shown
    assert "\n~: the machine's speed changed by more than " in shown
    assert "~" not in render([typical])


def test_rows_of_several_machines_are_compared_by_cost(board, row) -> None:
    rows = (row(cost_s=412.3), row(algorithm="maml", cost_s=9.87))
    shown = render([board(*rows, machines=("EPYC 9654", "Xeon 8480"))])
    alone = render([board(*rows, machines=("EPYC 9654",))])

    assert "several machines (EPYC 9654; Xeon 8480), whose seconds" in shown
    assert "300/300 s  412 s  ok" in shown
    assert "300/300 s  9.9 s  ok" in shown
    assert width(shown) <= 80
    assert "412 s" not in alone
    assert "Cost" not in alone


def test_methods_that_cannot_be_told_apart_share_a_letter(board, row) -> None:
    apart = np.array([[1.0, 0.5, 0.01], [0.5, 1.0, 0.5], [0.01, 0.5, 1.0]])
    compared = Comparisons(np.array([0.9, 0.8, 0.7]), apart, higher_is_better=True)

    lines = render([board(row(), row(), row(), comparisons=compared)]).split("\n")

    start = next(place for place, line in enumerate(lines) if line.startswith("rank"))
    assert [line.split()[5] for line in lines[start + 2 : start + 5]] == ["a", "ab", "b"]
    assert lines[start].split()[:4] == ["rank", "algorithm", "accuracy", "group"]
    assert any(line.startswith("Group: methods that share a letter") for line in lines)
    assert width("\n".join(lines)) <= 80


def test_of_very_many_methods_letters_would_tell_nothing(board, row) -> None:
    compared = Comparisons(np.linspace(0.9, 0.5, 101), np.ones((101, 101)), higher_is_better=True)

    assert "group" not in render([board(*[row()] * 101, comparisons=compared)]).lower()


def test_why_a_board_stands_alone_is_told(board, row) -> None:
    shown = render([board(row(), apart=("precision: bf16",))])

    assert "\nNot one table with others of omniglot-5w1s, by its precision: bf16.\n" in shown


def test_a_failed_run_with_a_rank_is_explained(board, row) -> None:
    failed = row(algorithm="fomaml", rank=(2, 2), score=None, status="crashed", coverage=0.0)

    assert "counts as one that guesses" in " ".join(render([board(row(), failed)]).split())
    assert "guesses" not in render([board(row())])


def test_several_backbones_have_a_column_and_still_fit(board, row) -> None:
    rows = [
        row(algorithm=name, backbone=backbone)
        for name in ("maml", "protonet")
        for backbone in ("conv4", "conv6")
    ]

    shown = render([board(*rows)])

    assert "rank  algorithm  backbone  accuracy" in shown
    assert "protonet   conv6 " in shown
    assert width(shown) <= 80


def test_long_names_are_broken_between_words(board, row) -> None:
    shown = render([board(row(algorithm="maml (inner_lr=0.01, inner_steps=5, outer_lr=0.001)"))])

    assert width(shown) <= 80
    assert "inner_steps=5" in shown


def test_algorithms_keep_twelve_columns_where_the_others_leave_none(board, row) -> None:
    told = board(row(algorithm="maml (a=100, b=2, c=3)"))

    shown = render([replace(told, metric_title="m" * 60)])

    table = shown.split("\n\n")[1].split("\n")
    assert width("\n".join(table)) > 80
    assert [line[6:20].rstrip() for line in table] == ["algorithm", "-" * 12, "maml (a=100,", "b=2, c=3)"]
    assert "maml (a=100, b=2, c=3)" in render([told])


def test_a_shared_backbone_is_told_once(typical) -> None:
    assert render([typical]).count("conv4") == 1


def test_the_explanation_of_ranks_stands_once_below_all_boards(typical) -> None:
    shown = render([typical, typical])

    assert shown.count("omniglot-5w1s") == 2
    assert shown.count("Rank:") == 1


def test_boards_without_unranked_rows_do_not_speak_of_them(board, row) -> None:
    assert "Without rank" not in render([board(row())])


def test_what_strangers_named_cannot_steer_the_terminal(board, row) -> None:
    evil = "a\x1b[2J\r\nb\u202e\x9b\u2028c"
    bad = row(algorithm=evil, backbone=evil, notes=(evil,))
    hostile = board(bad, row(), track={"device_class": evil}, benchmark={"name": evil})

    shown = render([hostile])

    assert all(line.isprintable() for line in shown.split("\n"))
    assert "a\\x1b[2J\\r\\nb\\u202e\\x9b\\u2028c" in shown


def test_endless_names_are_cut(board, row) -> None:
    assert width(render([board(row(algorithm="n" * 10_000))])) < 150


def test_names_that_look_like_numbers_stay_as_they_are(board, row) -> None:
    assert "\n1–2   1e5        97.93" in render([board(row(algorithm="1e5"))])


def test_a_budget_of_episodes_is_counted_in_episodes(board, row) -> None:
    shown = render([board(row(), budget={"seconds": None, "episodes": 6000})])

    assert "Budget: 6000 episodes of meta-training" in shown
    assert "5120/6000 ep" in shown


def test_scores_that_are_no_percentages_have_four_digits(board, row) -> None:
    loss = replace(board(row(score=Interval(1.5, 1.25, 1.75))), as_percent=False, metric_title="loss")

    shown = render([loss])

    assert "omniglot-5w1s: loss, 600 episodes" in shown
    assert "1–2   protonet   1.5000 [1.2500, 1.7500]" in shown


def test_an_interval_that_is_not_known_is_infinite(board, row) -> None:
    assert "200.00 [-inf, inf]" in render([board(row(score=Interval(2, -math.inf, math.inf)))])


def test_notes_name_their_row(board, row) -> None:
    assert "\nprotonet, conv4: Seed 1 ended as timeout.\n" in render(
        [board(row(notes=("Seed 1 ended as timeout.",)))]
    )


def test_no_results_say_what_to_do() -> None:
    assert render([]) == "No results to compare. Run `metabench evaluate` first."


def test_is_declared_as_terminal() -> None:
    assert [(one.name, one.render) for one in metabench_renderers()] == [("terminal", render)]
