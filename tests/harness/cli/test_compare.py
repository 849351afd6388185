"""`metabench compare` as a user calls it."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from scipy import stats

from metabench.results.files import read_outcomes, read_record


@pytest.fixture
def pair(make_result):
    """Two results of one benchmark, the first the better one."""
    return make_result("good", skill=2.0), make_result("bad", skill=0.5)


def scores_of(folder):
    return read_outcomes(folder, read_record(folder)).scores["accuracy"]


def test_two_results_are_told_side_by_side(inside, pair):
    first, second = map(scores_of, pair)

    code, told, errors = inside("compare", *pair)

    assert (code, errors) == (0, "")
    lines = told.splitlines()
    assert lines[0] == f"A: good, conv4, seed 0 ({pair[0]})"
    assert lines[2] == "toy-2w1s, 40 episodes that both were asked; differences are A − B"
    row = next(line for line in lines if line.startswith("accuracy in %"))
    interval = stats.ttest_rel(first, second).confidence_interval(0.95)
    difference, low, high = (100 * one for one in ((first - second).mean(), *interval))
    assert f"{100 * first.mean():.2f}  {100 * second.mean():.2f}  +{difference:.2f} [" in row
    assert f"[{low:+.2f}, {high:+.2f}]" in row
    counts = [int(one) for one in row.split()[-3:]]
    assert counts == [int((first > second).sum()), int((first == second).sum()), int((first < second).sum())]
    assert any(line.startswith("above chance in %") for line in lines)
    assert {line.split()[0] for line in lines[-3:]} == {"ant", "bee", "cat"}


def test_json_has_all_that_is_told(inside, pair):
    first, second = map(scores_of, pair)

    told = json.loads(inside("compare", *pair, "--json")[1])

    assert (told["benchmark"], told["n_episodes"], told["unequal"]) == ("toy-2w1s", 40, [])
    assert told["first"]["identity"] == read_record(pair[0]).identity
    ranking = told["metrics"][0]
    assert ranking["metric"] == "accuracy"
    assert ranking["difference"] == pytest.approx((first - second).mean())
    assert ranking["p_value"] == pytest.approx(stats.ttest_rel(first, second).pvalue)
    assert ranking["wins"] + ranking["ties"] + ranking["losses"] == 40
    assert sum(one["n_episodes"] for one in told["classes"]) == 80


def test_a_bundle_is_compared_like_its_result(inside, pair):
    inside("leaderboard", "add", *pair)
    bundles = [f"leaderboards/results/{one.name}" for one in pair]

    results, of_bundles = (json.loads(inside("compare", *each, "--json")[1]) for each in (pair, bundles))
    assert of_bundles["metrics"] == results["metrics"]
    assert of_bundles["classes"] == results["classes"]


def test_a_result_is_equal_to_itself(inside, pair):
    ranking = json.loads(inside("compare", pair[0], pair[0], "--json")[1])["metrics"][0]

    assert (ranking["p_value"], ranking["ties"], ranking["low"], ranking["high"]) == (1.0, 40, 0.0, 0.0)
    assert " 0.00 [0.00, 0.00]  1.000 " in inside("compare", pair[0], pair[0])[1]


def test_of_many_classes_the_most_different_are_shown(inside, make_result):
    classes = [f"class{one:02}" for one in range(25)]
    pair = [make_result(name, skill=skill, classes=classes) for name, skill in (("a", 2.0), ("b", 0.5))]

    def shown(*options):
        return re.findall(r"^class\d+|^… .*$", inside("compare", *pair, *options)[1], re.MULTILINE)

    most, every = shown(), shown("--all")
    assert len(every) == 25
    assert most == [*every[:10], most[10], *every[-10:]]
    assert most[10].startswith("… 5 more (--all)")


def test_terms_that_were_not_equal_are_a_warning(inside, make_result):
    pair = make_result("a"), make_result("b", budget={"seconds": 60.0, "name": "60s"}, verdict="transductive")

    code, told, errors = inside("compare", *pair, "--json")

    assert code == 0
    assert errors == (
        "Warning: Not on equal terms: audit is 'inductive' and 'transductive'; "
        "budget.seconds is 300.0 and 60.0.\n"
    )
    assert len(json.loads(told)["unequal"]) == 2


def test_results_of_two_benchmarks_are_refused(inside, make_result):
    pair = make_result("a"), make_result("b", benchmark={"name": "other", "stream_seed": 1})

    code, told, errors = inside("compare", *pair)

    assert (code, told) == (2, "")
    assert errors == (
        "Error: Results of 'toy-2w1s' and 'other' are not of one benchmark: stream_seed is 0 and 1; expected "
        "the same episodes. Choose two results of one table.\n"
    )


@pytest.mark.parametrize(("suffix", "begins"), [(".svg", b"<?xml"), (".png", b"\x89PNG")])
def test_a_plot_is_written(inside, pair, tmp_path, suffix, begins):
    for name in ("one", "two"):
        assert inside("compare", *pair, "--plot", f"{name}{suffix}")[0] == 0

    content = (tmp_path / f"one{suffix}").read_bytes()
    assert content.startswith(begins)
    assert content == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--plot", "plot.pdf"], 2, "Plot 'plot.pdf' has the format '.pdf'; expected .png or .svg."),
        (["--plot", "nowhere/plot.svg"], 2, "Plot 'nowhere/plot.svg' cannot be written (No such file"),
        (["more"], 2, "unexpected extra argument"),
    ],
)
def test_wrong_usage_is_told(inside, pair, arguments, code, message):
    found, _, errors = inside("compare", *pair, *arguments)

    assert found == code
    assert message in errors


def test_what_is_no_result_is_told(inside, pair):
    code, _, errors = inside("compare", pair[0], "nowhere")

    assert code == 3
    assert errors.startswith("Error: Result 'nowhere' has no readable result.json")


def test_damaged_outcomes_are_told(inside, pair):
    (pair[1] / "outcomes.parquet").write_bytes(b"others")

    code, _, errors = inside("compare", *pair)

    assert code == 3
    assert "has another sha256 than its record tells" in errors


def test_names_of_strangers_do_not_reach_the_terminal_as_they_are(inside, make_result):
    classes = ("\x1b[31mred", "bee\nbee", "cat")
    pair = [
        make_result(name, classes=classes, skill=skill) for name, skill in (("a\x1b[0m", 1.0), ("b", 2.0))
    ]

    code, told, _ = inside("compare", *pair)

    assert code == 0
    assert "\x1b" not in told
    assert r"bee\nbee" in told


def test_p_values_below_what_a_number_can_be_are_told():
    from metabench.cli.compare import _p_value

    assert [_p_value(one) for one in (1.0, 0.0421, 0.00042, 0.0)] == ["1.000", "0.042", "4.2e-04", "<1e-300"]


def test_the_interval_of_a_single_episode_has_no_ends_in_json():
    from metabench.cli.compare import _metric_record
    from metabench.leaderboards.compare import MetricDifference
    from metabench.scoring.compare import compare
    from metabench.scoring.metric import Metric

    metric = Metric("accuracy", "accuracy", lambda logits, labels: np.zeros(1))
    told = MetricDifference(metric, 1.0, 0.0, compare(np.ones(1), np.zeros(1)), 1, 0, 0)
    assert [_metric_record(told)[end] for end in ("low", "high")] == [None, None]
