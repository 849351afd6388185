"""`metabench evaluate` end to end: real referee, real contestants, the embedded benchmark."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from metabench.cli.evaluate import _warn_of_unsteady
from metabench.results.calibration import calibration_part
from metabench.results.folder import read_all

README = Path(__file__).parents[3] / "README.md"
BROKEN = """
from metabench.api import Algorithm


class Broken(Algorithm):
    def loss(self, episodes):
        raise ValueError("no loss today\\x1b[2J")

    def predict(self, episodes):
        raise NotImplementedError
"""
SLOW = """
import os, time
from metabench.api import Algorithm


class Slow(Algorithm):
    def meta_train(self, session):
        session.commit()
        if os.fork() == 0:
            os.setsid()
        time.sleep({seconds})
        if os.getpid() != os.getsid(0):
            return

    def loss(self, episodes):
        raise NotImplementedError

    def predict(self, episodes):
        features = self.backbone(episodes.query.flatten(0, 1))
        return features[:, : episodes.n_way].unflatten(0, episodes.query.shape[:2])
"""


def records(results):
    stored, problems = read_all(results)
    assert not problems
    return [one.record for one in stored]


def test_a_run_ends_in_a_leaderboard_and_the_same_command_does_no_work(metabench, tmp_path):
    arguments = ("evaluate", "centroid", "protonet", "--benchmark", "glyphs-5w1s", "--budget", "6ep")
    first = metabench(*arguments)
    assert first.returncode == 0, first.stderr
    assert re.search(r"1\s+protonet\s+\d\d\.\d\d \[.*\]\s+a\s+6/6 ep\s+ok\s+inductive", first.stdout)
    assert "centroid" in first.stdout
    (record,) = (one for one in records(tmp_path / "results") if one.algorithm.name == "protonet")
    assert (record.status, record.blame, record.audit.verdict) == ("ok", "nobody", "inductive")
    assert (record.spent.steps, record.spent.episodes) == (6, 6)
    assert record.spent.processor_s > 0
    assert record.compute.per_training_step > record.compute.per_test_episode > 0
    assert (record.compute.uncounted, record.compute.problem) == ((), "")
    assert record.algorithm.options["train_n_way"] == 30
    assert record.scores[0].n_episodes == 600
    assert record.scores[0].mean > 0.4

    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}
    second = metabench(*arguments, "--json")
    assert second.returncode == 0
    assert "2 done already" in second.stderr
    assert "meta-training" not in second.stderr
    assert [one["algorithm"]["name"] for one in json.loads(second.stdout)] == ["centroid", "protonet"]
    assert before == {path: path.stat().st_mtime_ns for path in (tmp_path / "results").rglob("*.json")}


def test_a_budget_in_episodes_gives_the_same_predictions_to_the_last_bit(metabench, tmp_path):
    for results in ("one", "two"):
        arguments = ("--benchmark", "glyphs-5w1s", "--budget", "9ep", "--seeds", "0", "--results", results)
        assert metabench("evaluate", "protonet", *arguments).returncode == 0
    one, two = (next((tmp_path / name).glob("*/predictions.parquet")) for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    assert (
        one.with_name("weights.safetensors").read_bytes() == two.with_name("weights.safetensors").read_bytes()
    )


def test_the_method_of_the_readme_runs_from_its_file(metabench, tmp_path):
    code = re.search(r"```python\n(.*?)```", README.read_text(), re.DOTALL)[1]
    (tmp_path / "nearest_mean.py").write_text(code)
    answer = metabench(
        "evaluate", "./nearest_mean.py:NearestMean", "--set", "NearestMean.scale=20", "--budget", "4ep",
        "--benchmark", "glyphs-5w1s",
    )  # fmt: skip
    assert answer.returncode == 0, answer.stderr
    (record,) = records(tmp_path / "results")
    assert record.algorithm.options["scale"] == 20.0
    assert record.scores[0].mean > 0.4


def test_a_method_that_raises_is_a_failed_run_beside_the_others(metabench, tmp_path):
    (tmp_path / "broken.py").write_text(BROKEN)
    answer = metabench(
        "evaluate", "./broken.py:Broken", "centroid", "--budget", "4ep", "--benchmark", "glyphs-5w1s"
    )
    assert answer.returncode == 1
    assert "Broken" in answer.stdout
    assert "crashed" in answer.stdout
    assert "crashed in meta-training: ValueError: no loss today" in answer.stderr
    assert "\x1b" not in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stderr
    by_name = {record.algorithm.name: record for record in records(tmp_path / "results")}
    assert by_name["centroid"].status == "ok"
    assert by_name["Broken"].blame == "method"
    assert "ValueError" in by_name["Broken"].failure.stderr_tail


@pytest.mark.parametrize(
    ("benchmark", "message"),
    [
        ("glyphs-500w1s", "glyphs meta_test has 163 classes; 500w1s needs 500. Lower n_way"),
        ("glyphs-5w40s", "n_shot + n_query needs 55. Lower n_shot"),
        ("glyphs-1w1s", "n_way is 1; an episode needs at least 2 classes."),
        ("glyphs-5w0s", "n_shot is 0; expected at least 1."),
    ],
)
def test_an_impossible_protocol_is_refused_before_anything_runs(metabench, tmp_path, benchmark, message):
    answer = metabench("evaluate", "centroid", "--benchmark", benchmark)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert not (tmp_path / "results").exists()


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("outer_lr=nan", "Option 'outer_lr' of 'protonet' is 'nan'; expected a finite number."),
        ("outer_lr=-1", "Option 'outer_lr' of 'protonet' is -1.0; expected at least 0."),
        ("conv4.width=0", "Option 'width' of 'conv4' is 0; expected at least 1."),
    ],
)
def test_a_value_that_an_option_does_not_take_is_refused_before_anything_runs(
    metabench, tmp_path, setting, message
):
    answer = metabench("evaluate", "protonet", "--benchmark", "glyphs-5w1s", "--set", setting)
    assert answer.returncode == 2
    assert message in answer.stderr
    assert len(answer.stderr.splitlines()) == 1
    assert not (tmp_path / "results").exists()


def test_a_results_folder_that_cannot_be_written_is_named(metabench, tmp_path):
    (tmp_path / "file").write_text("")
    answer = metabench("evaluate", "centroid", "--budget", "4ep", "--results", tmp_path / "file" / "results")
    assert answer.returncode == 3
    assert re.search(r"Results folder '.*' cannot be .* Name another one with --results", answer.stderr)
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize(
    "content", [b"", b"PK\x03\x04 cut short", b"no zip at all"], ids=["empty", "cut", "text"]
)
def test_a_damaged_archive_is_named(metabench, tmp_path, content):
    folder = tmp_path / "mirror" / "omniglot"
    folder.mkdir(parents=True)
    for name in ("images_background.zip", "images_evaluation.zip"):
        (folder / name).write_bytes(content)
    answer = metabench(
        "evaluate", "centroid", "--benchmark", "omniglot-5w1s", METABENCH_MIRROR=str(folder.parent)
    )
    assert answer.returncode == 3
    assert "images_background.zip" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_zip_without_the_expected_images_is_named(metabench, tmp_path):
    folder = tmp_path / "mirror" / "omniglot"
    folder.mkdir(parents=True)
    for name in ("images_background.zip", "images_evaluation.zip"):
        with zipfile.ZipFile(folder / name, "w") as archive:
            archive.writestr("readme.txt", "nothing here")
    answer = metabench(
        "evaluate", "centroid", "--benchmark", "omniglot-5w1s", METABENCH_MIRROR=str(folder.parent)
    )
    assert answer.returncode == 3
    assert answer.stderr.count("\n") == 1


def test_a_dry_run_tells_what_is_to_run_and_writes_nothing(metabench, tmp_path):
    answer = metabench("evaluate", "--dry-run")
    assert answer.returncode == 0
    assert [line.split()[:4] for line in answer.stdout.splitlines()[2:]] == [
        ["to", "run", "glyphs-5w1s", name] for name in ("centroid", "protonet", "fomaml", "maml")
    ]
    assert not (tmp_path / "results").exists()


def test_a_dry_run_as_json_names_what_is_broken(metabench, tmp_path):
    (tmp_path / "broken.py").write_text("import nothing_of_the_kind\n\nclass Broken: ...\n")
    answer = metabench("evaluate", "protonet", "./broken.py:Broken", "--dry-run", "--json")
    assert answer.returncode == 0
    rows = json.loads(answer.stdout)
    assert [row["algorithm"] for row in rows] == ["protonet", "Broken"]
    assert [row["state"] for row in rows] == ["to run", "broken"]
    assert rows[0]["backbone"] == "conv4"
    assert "Algorithm 'Broken' cannot run: " in answer.stderr
    assert "No module named 'nothing_of_the_kind'" in answer.stderr


@pytest.mark.parametrize("after_s", [2.0, 5.0])
def test_a_killed_referee_leaves_no_process_and_the_same_command_finishes(
    command, metabench, none_stays, tmp_path, after_s
):
    (tmp_path / "slow.py").write_text(SLOW.format(seconds=2))
    arguments = ("evaluate", "./slow.py:Slow", "--benchmark", "glyphs-5w1s", "--budget", "30s")
    token = {"LANG": f"C.{tmp_path.name}"}
    process = subprocess.Popen(
        **command(*arguments, **token), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    time.sleep(after_s)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert none_stays(token["LANG"])
    for path in (tmp_path / "results").glob("[!.]*"):
        assert (path / "result.json").is_file()
    answer = metabench(*arguments, **token)
    assert answer.returncode == 0, answer.stderr
    assert [record.status for record in records(tmp_path / "results")] == ["ok"]
    assert none_stays(token["LANG"])


def unsteady(seconds_after):
    return calibration_part({"work": 1.0}, {"work": seconds_after})


def test_how_much_a_machine_has_changed_is_said_in_a_line(make_record, capsys):
    _warn_of_unsteady(
        [make_record(calibration=one) for one in (None, unsteady(1.0), unsteady(2.5), unsteady(3.0))]
    )

    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(
        "Warning: around 2 of 4 runs this machine's speed changed by up to 200%; more than"
    )
    assert told.err.count("\n") == 1


def test_nothing_is_said_of_a_steady_machine(make_record, capsys):
    _warn_of_unsteady([make_record(calibration=one) for one in (None, unsteady(1.0))])

    assert capsys.readouterr().err == ""
