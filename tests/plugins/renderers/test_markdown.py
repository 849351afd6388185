"""Leaderboards as Markdown: well-formed tables, whatever the names in them."""

import re

import numpy as np
import pytest

from metabench.scoring.compare import Comparisons
from metabench.scoring.interval import Interval
from metabench_plugins.renderers.markdown import metabench_renderers, render


def cells(line: str) -> list[str]:
    """Cut a table's line at the bars that are not escaped."""
    return [cell.strip() for cell in re.split(r"(?<!\\)(?:\\\\)*\|", line)[1:-1]]


def table(shown: str) -> list[list[str]]:
    return [cells(line) for line in shown.split("\n") if line.startswith("|")]


def test_a_board_is_a_heading_rules_and_a_table(typical) -> None:
    shown = render([typical])

    assert shown.startswith(
        "### omniglot-5w1s: accuracy in %, 600 episodes\n\nBudget: 300 s of meta-training, "
    )
    header, _, first, second, third, last = table(shown)
    assert header == [
        *("rank", "group", "algorithm", "backbone", "accuracy [95 % interval]", "[other classes]", "seeds"),
        *("worst seed", "spent", "cost", "operations", "per episode", "peak memory", "parameters"),
        *("status", "coverage", "audit"),
    ]
    assert first == [
        *("1–2", "–", "protonet", "conv4", "97.93 [97.66, 98.20]", "–", "1", "–"),
        *("300/300 s", "–", "–", "0 s", "812 MiB", "–", "ok", "100%", "inductive"),
    ]
    assert second[6] == "3"
    assert (third[0], third[-1]) == ("–", "transductive")
    assert last[4] == "–"
    assert last[-3:] == ["out of memory", "0%", "not audited"]


def test_the_other_metrics_and_costs_are_shown(board, row) -> None:
    told = row(worst_seed=0.9, others={"nll": 0.25}, episode_s=0.0121, parameters=28192)

    header, _, first, second = table(render([board(told, row())]))
    shown = dict(zip(header, first, strict=True))
    assert [shown[name] for name in ("worst seed", "nll", "per episode", "parameters")] == [
        *("90.00", "0.2500", "0.0121 s", "28,192")
    ]
    assert dict(zip(header, second, strict=True))["nll"] == "–"


def test_methods_that_cannot_be_told_apart_share_a_letter(board, row) -> None:
    apart = np.array([[1.0, 0.01], [0.01, 1.0]])
    compared = Comparisons(np.array([0.9, 0.8]), apart, higher_is_better=True)
    shown = render([board(row(), row(), row(rank=None), comparisons=compared)])

    assert [line[1] for line in table(shown)[2:]] == ["a", "b", "–"]
    assert "Group: methods that share a letter cannot be told apart" in shown


def test_why_a_board_stands_alone_is_told(board, row) -> None:
    shown = render([board(row(), apart=("dataset.content: 1a2b3c4d", "precision: bf16"))])

    reason = "Not one table with others of omniglot-5w1s, by its dataset.content: 1a2b3c4d; precision: bf16."
    assert f"\n\n{reason}\n\n" in shown


def test_names_cannot_break_the_table_or_bring_markup(board, row) -> None:
    evil = "a|b\n| c | `x` <b> [l](u) _e_ \\"
    hostile = board(row(algorithm=evil, backbone="x|", notes=("# <script>\n",)), row())

    shown = render([hostile])

    assert {len(line) for line in table(shown)} == {17}
    assert r"a\|b\\n\| c \| \`x\` \<b\> \[l\](u) \_e\_ \\" in shown
    assert r"\# \<script\>\\n" in shown
    assert "<" not in shown.replace(r"\<", "")


@pytest.mark.parametrize("sign", "\\`*_[]<>|~&#@!$")
def test_each_sign_that_may_begin_markup_is_escaped(board, row, sign) -> None:
    shown = render([board(row(algorithm=f"a{sign}b", notes=(f"c{sign}d",)))])

    assert f" a\\{sign}b " in shown
    assert f"c\\{sign}d\n" in shown


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("https://evil.example/x", r"https\://evil.example/x"),
        ("FTP://evil.example", r"FTP\://evil.example"),
        ("www.evil.example", r"www\.evil.example"),
        ("http://www.evil.example", r"http\://www\.evil.example"),
    ],
)
def test_an_address_becomes_no_link(board, row, address, told) -> None:
    shown = render([board(row(backbone=address, notes=(f"See {address}.",)))])

    assert f" {told} " in shown
    assert f": See {told}.\n" in shown
    assert address not in shown


def test_cost_operations_and_an_unsteady_machine_are_shown_and_explained(board, row) -> None:
    shown = render([board(row(cost_s=412.3, operations=3.14e14), row(is_steady=False))])

    steady, unsteady = table(shown)[2:]
    assert steady[8:11] == ["300/300 s", "412 s", "3.1e+14"]
    assert unsteady[8:11] == [r"\~300/300 s", "–", "–"]
    assert "\n\nCost: the seconds " in shown
    assert "\n\n\\~: the machine's speed changed by more than " in shown


def test_the_interval_for_other_classes_is_shown_and_explained(board, row) -> None:
    shown = render([board(row(over_classes=Interval(0.9793, 0.9741, 0.9845)), row())])

    first, second = table(shown)[2:]
    assert (first[5], second[5]) == ("[97.41, 98.45]", "–")
    assert "\n\nOther classes: the 95 % interval of the same mean" in shown
    assert "Other classes" not in render([board(row())])


def test_several_machines_are_named_below_the_rules(board, row) -> None:
    shown = render([board(row(), row(), machines=("EPYC", "Xeon|"))])

    assert "\n\nThe rows are from several machines (EPYC; Xeon\\|), whose seconds differ" in shown
    assert "machines" not in render([board(row(), machines=("EPYC",))])


def test_notes_are_a_list_below_their_table(board, row) -> None:
    shown = render([board(row(notes=("Seed 1 ended as timeout.",)))])

    assert "|\n\n- protonet, conv4: Seed 1 ended as timeout.\n\nRank: " in shown


def test_the_explanation_of_ranks_stands_once_below_all_boards(typical) -> None:
    shown = render([typical, typical])

    assert shown.count("### ") == 2
    assert shown.count("\n\nRank: ") == 1
    assert shown.count("\n\nWithout rank (–): ") == 1


def test_no_results_say_what_to_do() -> None:
    assert render([]) == "No results to compare. Run `metabench evaluate` first."


def test_is_declared_as_markdown() -> None:
    assert [(one.name, one.render) for one in metabench_renderers()] == [("markdown", render)]
