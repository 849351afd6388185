"""Leaderboards as LaTeX: balanced, escaped, with the rules of booktabs."""

from __future__ import annotations

import re

import numpy as np

from metabench.scoring.compare import Comparisons
from metabench_plugins.renderers.latex import metabench_renderers, render


def rows(shown: str) -> list[str]:
    return [line for line in shown.split("\n") if line.endswith(r"\\")]


def test_a_board_is_a_table_with_its_rules_in_the_caption(typical) -> None:
    shown = render([typical])

    assert shown.startswith("% omniglot-5w1s: accuracy in %, 600 episodes\n\\begin{table}")
    assert r"\caption{omniglot-5w1s: accuracy in \%, 600 episodes. Budget: 300 s" in shown
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert shown.count(rule) == 1
    header, first, *_, last = rows(shown)
    assert [one.strip() for one in header[:-2].split("&")] == [
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


def test_letters_that_are_not_shown_are_not_explained(board, row) -> None:
    compared = Comparisons(np.array([0.9]), np.ones((1, 1)), higher_is_better=True)

    assert "Group:" not in render([board(row(), comparisons=compared)])


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
