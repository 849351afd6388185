"""Results as a frame: what a notebook shows is what the records tell."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import metabench.api
from metabench.errors import UsageError
from metabench.results.folder import write_result
from metabench.results.record import ScorePart

SCORE = ScorePart(metric="accuracy", mean=0.5, low=0.4, high=0.6, n_episodes=4)


def test_there_is_a_row_for_each_run_with_its_metrics(tmp_path: Path, make_record) -> None:
    for seed in (1, 0):
        write_result(tmp_path, make_record(seed=seed, scores=(SCORE,)), {})
    write_result(tmp_path, make_record(algorithm="a", status="crashed", scores=()), {})

    frame = metabench.api.results(tmp_path)

    assert frame["algorithm"].tolist() == ["a", "protonet", "protonet"]
    assert frame["seed"].tolist() == [0, 0, 1]
    assert frame["status"].tolist() == ["crashed", "ok", "ok"]
    assert math.isnan(frame["accuracy"][0])
    assert (
        frame[["accuracy", "accuracy_low", "accuracy_high"]].to_numpy()[1:].tolist() == [[0.5, 0.4, 0.6]] * 2
    )
    assert frame["episode_s"].tolist() == [9.0 / 4] * 3
    assert Path(frame["folder"][0]).is_dir()


def test_it_can_be_grouped_and_shown(tmp_path: Path, make_record) -> None:
    write_result(tmp_path, make_record(scores=(SCORE,), started="no time"), {})

    frame = metabench.api.results(str(tmp_path))

    assert frame.groupby(["benchmark", "algorithm"], observed=True)["accuracy"].mean().to_list() == [0.5]
    assert pd.isna(frame["started"][0])
    assert "protonet" in frame.to_html()


def test_a_strangers_metric_takes_no_other_columns_place(tmp_path: Path, make_record) -> None:
    named = SCORE.model_copy(update={"metric": "benchmark", "mean": 0.45})
    write_result(tmp_path, make_record(scores=(SCORE, named)), {})

    frame = metabench.api.results(tmp_path)

    assert frame["benchmark"].tolist() == [make_record().benchmark.name]
    assert frame["benchmark (metric)"].tolist() == [0.45]


@pytest.mark.parametrize("is_first", [True, False])
def test_a_strangers_metric_takes_no_bounds_place(tmp_path: Path, make_record, is_first: bool) -> None:
    means = {"accuracy_low": 0.1, "accuracy_high": 0.9, "seed (metric)": 0.7, "seed": 0.8}
    named = [SCORE.model_copy(update={"metric": metric, "mean": mean}) for metric, mean in means.items()]
    scores = (*named, SCORE) if is_first else (SCORE, *named)
    write_result(tmp_path, make_record(scores=scores), {})

    told = metabench.api.results(tmp_path).iloc[0]

    assert [told["accuracy"], told["accuracy_low"], told["accuracy_high"]] == [0.5, 0.4, 0.6]
    assert [told["accuracy_low (metric)"], told["accuracy_high (metric)"]] == [0.1, 0.9]
    assert [told["seed"], told["seed (metric)"], told["seed (metric) (metric)"]] == [0, 0.8, 0.7]


def test_a_metric_stands_in_one_column_whatever_others_a_run_has(tmp_path: Path, make_record) -> None:
    named = SCORE.model_copy(update={"metric": "accuracy_low"})
    write_result(tmp_path, make_record(seed=0, scores=(named,)), {})
    write_result(tmp_path, make_record(seed=1, scores=(named, SCORE)), {})

    frame = metabench.api.results(tmp_path)

    assert frame["accuracy_low (metric)"].tolist() == [0.5, 0.5]
    assert math.isnan(frame["accuracy_low"][0])


def test_every_start_is_a_time_however_the_first_is_written(tmp_path: Path, make_record) -> None:
    started = ["2026-01-01T00:00:00.123456+00:00", "2026-01-02T01:00:00+01:00", "2026-01-03", "no time"]
    for seed, one in enumerate(started):
        write_result(tmp_path, make_record(seed=seed, started=one), {})

    told = metabench.api.results(tmp_path)["started"]

    assert told.dt.day.tolist()[:3] == [1, 2, 3]
    assert told.isna().tolist() == [False, False, False, True]


def test_what_cannot_be_read_is_warned_of_and_the_rest_is_there(tmp_path: Path, make_record) -> None:
    write_result(tmp_path, make_record(), {})
    (tmp_path / "no-result").mkdir()

    with pytest.warns(UserWarning, match=r"Result '.*no-result' has no readable result\.json"):
        frame = metabench.api.results(tmp_path)
    assert len(frame) == 1


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^Folder '.*/nope' has no results; expected some\."):
        metabench.api.results(tmp_path / "nope")


def test_a_folder_without_results_gives_an_empty_frame(tmp_path: Path) -> None:
    assert metabench.api.results(tmp_path).empty
