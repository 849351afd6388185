"""The plot of two results: its bytes, its labels, and what strangers' names cannot do to it."""

from __future__ import annotations

import io
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from metabench.leaderboards.compare import ClassDifference, MetricDifference, PairedResults
from metabench.leaderboards.compare_plot import plot
from metabench.scoring.compare import compare
from metabench.scoring.metric import Metric

METRIC = Metric("accuracy", "accuracy", lambda logits, labels: np.zeros(len(logits)))


def paired(scores: np.ndarray, n_classes: int = 30, name: str = "class") -> PairedResults:
    classes = tuple(ClassDifference(f"{name} {one}", 3, 0.5 - one / 30, 0.2) for one in range(n_classes))
    told = MetricDifference(METRIC, 0.6, 0.5, compare(scores, np.zeros_like(scores)), 1, 2, 3)
    return PairedResults(("maml, seed 0", "protonet, seed 0"), "toy-2w1s", scores, (told,), classes, ())


SOME = paired(np.random.default_rng(0).normal(0.1, 0.2, 100))


def texts(content: bytes) -> list[str]:
    return [
        one.text or "" for one in ElementTree.fromstring(content).iter("{http://www.w3.org/2000/svg}text")
    ]


@pytest.mark.parametrize("suffix", [".svg", ".png"])
def test_the_same_results_give_the_same_bytes(suffix: str) -> None:
    assert plot(SOME, suffix, n_each_way=10) == plot(SOME, suffix, n_each_way=10)
    assert plot(SOME, suffix, n_each_way=10) != plot(SOME, suffix, n_each_way=9)


def test_it_tells_what_is_compared() -> None:
    told = texts(plot(SOME, ".svg", n_each_way=10))

    assert {"A: maml, seed 0", "B: protonet, seed 0", "toy-2w1s, 100 episodes", "20 of 30 classes"} <= {*told}
    assert told.count("A − B: accuracy in %") == 2
    assert {one for one in told if one.startswith("class ")} == {
        f"class {one}" for one in (*range(10), *range(20, 30))
    }


def test_all_classes_are_shown_on_demand() -> None:
    assert {f"class {one}" for one in range(30)} <= {*texts(plot(SOME, ".svg", n_each_way=None))}


def test_a_png_is_one() -> None:
    with Image.open(io.BytesIO(plot(SOME, ".png", n_each_way=10))) as image:
        assert (image.format, image.width) == ("PNG", 1500)
        assert "Software" not in image.info


@pytest.mark.parametrize(
    "scores", [np.zeros(10), np.full(10, -0.2), np.array([0.3])], ids=["equal", "constant", "one episode"]
)
def test_differences_of_every_spread_can_be_drawn(scores: np.ndarray) -> None:
    assert texts(plot(paired(scores), ".svg", n_each_way=10))


def test_without_names_of_classes_it_says_so() -> None:
    assert "classes are not named" in texts(plot(replace(SOME, classes=()), ".svg", n_each_way=10))


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", r"$\frac{$", "an & b", "字\n母", "\x1b[31m"])
def test_names_of_strangers_are_text_and_no_more(name: str) -> None:
    told = replace(SOME, names=(name, name), benchmark=name, classes=paired(np.zeros(2), 3, name).classes)

    content = plot(told, ".svg", n_each_way=10)

    shown = texts(content)
    assert b"<script" not in content
    assert len(shown) > 10
    printable = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
    assert f"A: {printable}" in shown
    assert f"{printable} 0" in shown


def test_of_a_long_name_the_end_is_shown() -> None:
    long = replace(SOME, classes=paired(np.zeros(2), 3, "Alphabet_of_many_letters/letter_of_it").classes)

    assert "…many_letters/letter_of_it 2" in texts(plot(long, ".svg", n_each_way=10))
