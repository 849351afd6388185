"""Leaderboards as LaTeX: balanced, escaped, with the rules of booktabs."""

from __future__ import annotations

import re

import numpy as np

from metabench.scoring.compare import Comparisons
from metabench.scoring.interval import Interval
from metabench_plugins.renderers.latex import metabench_renderers, render


def rows(shown: str) -> list[str]:
    return [line for line in shown.split("\n") if line.endswith(r"\\")]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.removesuffix(r"\\").split("&")]


def test_a_board_is_a_table_with_its_rules_in_the_caption(typical) -> None:
    shown = render([typical])

    assert shown.startswith("% omniglot-5w1s: accuracy in %, 600 episodes\n\\begin{table}")
    assert r"\caption{omniglot-5w1s: accuracy in \%, 600 episodes. Budget: 300 s" in shown
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert shown.count(rule) == 1
    header, first, *_, last = rows(shown)
    assert cells(header) == [
        *("rank", "algorithm", "backbone", r"accuracy [95 \% interval]", "spent"),
    ]
    assert re.sub(" +", " ", first).startswith(" 1–2 & protonet & conv4 & 97.93 [97.66, 98.20] & 300/300 s")
    assert "fomaml (not audited) (out of memory)" in last


def test_names_cannot_bring_commands(board, row) -> None:
    evil = r"\input{x} a_b & 50% $x$ #1 ~^"
    shown = render([board(row(algorithm=evil, notes=(evil,)))])

    safe = shown.split(r"\centering")[1]
    assert r"\input" not in safe
    assert safe.count(r"\textbackslash{}input\{x\} a\_b \& 50\% \$x\$ \#1 \textasciitilde{}\^{}") == 3


def test_columns_that_tell_nothing_are_left_out(board, row) -> None:
    shown = render([board(row())])

    assert cells(rows(shown)[0]) == ["rank", "algorithm", "backbone", r"accuracy [95 \% interval]", "spent"]
    assert not {one for one in ("Group:", "Other classes:", "Cost:") if one in shown}


def test_methods_that_cannot_be_told_apart_share_a_letter(board, row) -> None:
    apart = np.array([[1.0, 0.01], [0.01, 1.0]])
    compared = Comparisons(np.array([0.9, 0.8]), apart, higher_is_better=True)
    shown = render([board(row(), row(), row(rank=None), comparisons=compared)])

    assert [cells(one)[1] for one in rows(shown)] == ["group", "a", "b", "–"]
    assert "\n% Group: methods that share a letter cannot be told apart" in shown


def test_the_interval_for_other_classes_and_the_worst_seed_are_shown_and_explained(board, row) -> None:
    several = row(n_seeds=3, worst_seed=0.9, over_classes=Interval(0.9793, 0.9741, 0.9845))
    header, first, second = rows(render([board(several, row())]))

    assert cells(header)[4:] == ["[other classes]", "worst seed", "spent"]
    assert cells(first)[4:6] == ["[97.41, 98.45]", "90.00"]
    assert cells(second)[4:6] == ["–", "–"]
    assert "\n% Other classes: the 95 % interval of the same mean" in render([board(several)])


def test_rows_of_several_machines_are_compared_by_cost(board, row) -> None:
    shown = render([board(row(cost_s=412.3), machines=("EPYC", "Xeon_8"))])

    assert (
        r"The rows are from several machines (EPYC; Xeon\_8), whose seconds differ: compare by cost." in shown
    )
    assert [cells(one)[-1] for one in rows(shown)] == ["cost", "412 s"]
    assert "\n% Cost: the seconds " in shown


def test_why_a_board_stands_alone_is_in_its_caption(board, row) -> None:
    shown = render([board(row(), apart=("budget.memory_mib: 4096", "precision: bf16"))])

    caption = next(line for line in shown.split("\n") if line.startswith(r"\caption"))
    reason = r"Not one table with others of omniglot-5w1s, by its budget.memory\_mib: 4096; precision: bf16.}"
    assert caption.endswith(reason)


def test_explanations_are_comments_below(typical) -> None:
    below = render([typical]).rpartition("\\end{table}\n\n")[2].split("\n")

    assert below[0].startswith(r"% Needs \usepackage{booktabs}")
    assert all(line.startswith("% ") for line in below)


def test_no_results_say_what_to_do() -> None:
    assert render([]) == "% No results to compare. Run `metabench evaluate` first."


def test_is_declared_as_latex() -> None:
    assert [(one.name, one.render, one.suffix) for one in metabench_renderers()] == [
        ("latex", render, ".tex")
    ]
