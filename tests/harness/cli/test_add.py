"""`metabench leaderboard add`: what verifies is published as a bundle, and tables are made of it."""

from __future__ import annotations

import json
import shutil

import pytest

from metabench.results.files import RECORD_FILE, read_record
from metabench.results.folder import folder_name
from metabench.results.seal import sealed


def files_of(folder):
    return {str(one.relative_to(folder)): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def note(result):
    """What is said of a result whose dataset is not here."""
    unknown = "Dataset 'toy' is unknown here. Install the extension that has it."
    return f"Note on {result.name}: Labels are not compared: {unknown}\n"


def forge(result, **changes):
    """Change a record as somebody does who knows how to seal it; returns its folder."""
    record = read_record(result).model_copy(update=changes)
    (result / RECORD_FILE).write_bytes(sealed(record))
    return result.rename(result.with_name(folder_name(record)))


def test_results_become_bundles_and_tables(inside, make_result, tmp_path):
    better, worse = make_result("better", skill=3.0), make_result("worse", skill=0.5)

    code, told, errors = inside("leaderboard", "add", better, worse)

    assert (code, errors) == (0, note(better) + note(worse))
    assert told.splitlines() == [
        f"{better.name} is added.",
        f"{worse.name} is added.",
        "The tables in 'leaderboards' are up to date.",
    ]
    published = tmp_path / "leaderboards"
    assert files_of(published).keys() == {"README.md", "toy-2w1s.md"} | {
        f"results/{one.name}/{file}"
        for one in (better, worse)
        for file in ("result.json", "outcomes.parquet")
    }
    table = (published / "toy-2w1s.md").read_text()
    assert table.index("| better ") < table.index("| worse ")
    assert (
        "| [`toy-2w1s`](toy-2w1s.md) | 300s      | 2         | 2      |"
        in (published / "README.md").read_text()
    )


def test_what_is_published_verifies(inside, make_result):
    inside("leaderboard", "add", make_result(), make_result("maml"))

    subjects = ("leaderboards/results", "leaderboards/toy-2w1s.md")
    code, told, _ = inside("verify", *subjects, "--results", "leaderboards/results")
    assert code == 0
    assert told.count(" verified: ") == 5


def test_a_folder_of_results_is_added_whole(inside, make_result, tmp_path):
    made = [make_result(seed=seed) for seed in range(3)]

    assert inside("leaderboard", "add", "results", "--to", "elsewhere/tables")[0] == 0
    there = tmp_path / "elsewhere" / "tables" / "results"
    assert sorted(one.name for one in there.iterdir()) == sorted(one.name for one in made)


def test_the_same_results_give_the_same_bytes_and_again_change_nothing(inside, make_result, tmp_path):
    first, second = make_result("one"), make_result("two")
    inside("leaderboard", "add", first, second)
    published = files_of(tmp_path / "leaderboards")

    code, told, errors = inside("leaderboard", "add", first)
    assert (code, errors) == (0, "")
    assert told.splitlines()[0] == f"{first.name} is there already."
    assert files_of(tmp_path / "leaderboards") == published
    inside("leaderboard", "add", second, first, "--to", "other")
    assert files_of(tmp_path / "other") == published


def test_a_bundle_that_is_there_already_is_one_too(inside, make_result):
    inside("leaderboard", "add", make_result())

    code, told, _ = inside("leaderboard", "add", "leaderboards/results")
    assert code == 0
    assert "is there already." in told


def test_without_a_result_tables_are_made_anew(inside, make_result, tmp_path):
    inside(
        "leaderboard", "add", make_result(), make_result(benchmark={"name": "other-2w1s", "stream_seed": 1})
    )
    published = files_of(tmp_path / "leaderboards")
    table = tmp_path / "leaderboards" / "toy-2w1s.md"
    table.write_text(f"{table.read_text()}edited")

    assert inside("leaderboard", "add")[0] == 0
    assert files_of(tmp_path / "leaderboards") == published


def test_a_text_of_somebodys_under_the_name_of_a_table_is_kept(inside, make_result, tmp_path):
    (tmp_path / "leaderboards").mkdir()
    notes = tmp_path / "leaderboards" / "toy-2w1s.md"
    notes.write_text("# Mine\n")

    code, _, errors = inside("leaderboard", "add", make_result())

    assert code == 2
    assert "Error: File 'leaderboards/toy-2w1s.md' is none of the tables that metabench makes" in errors
    assert notes.read_text() == "# Mine\n"


def test_the_table_of_results_that_are_gone_is_gone(inside, make_result, tmp_path):
    other = make_result(benchmark={"name": "other-2w1s", "stream_seed": 1})
    inside("leaderboard", "add", make_result(), other)
    kept = tmp_path / "leaderboards" / "HOWTO.md"
    kept.write_text("somebody's")
    shutil.rmtree(tmp_path / "leaderboards" / "results" / other.name)

    inside("leaderboard", "add")

    assert not (tmp_path / "leaderboards" / "other-2w1s.md").exists()
    assert "other-2w1s" not in (tmp_path / "leaderboards" / "README.md").read_text()
    assert kept.exists()


def test_a_failed_run_is_published_as_one(inside, make_result, make_record, tmp_path):
    inside("leaderboard", "add", make_result())
    failed = make_result("maml", status="crashed", failed_in="meta-training", verdict="not audited")
    record = read_record(failed)
    audit = record.audit.model_copy(update={"n_episodes": 0})
    files = {"weights.safetensors": record.files["weights.safetensors"]}
    for name in ("outcomes.parquet", "predictions.parquet"):
        (failed / name).unlink()
    failed = forge(failed, scores=(), audit=audit, files=files)

    said = f"Note on {failed.name}: Nothing was scored, as its status is 'crashed'.\n"
    assert inside("leaderboard", "add", failed)[::2] == (0, said)
    bundle = tmp_path / "leaderboards" / "results" / failed.name
    assert files_of(bundle).keys() == {"result.json"}
    assert "crashed" in (tmp_path / "leaderboards" / "toy-2w1s.md").read_text()
    assert inside("verify", bundle)[0] == 0


# What is refused


@pytest.fixture
def refused(inside, make_result, tmp_path):
    """Adds a result that is spoilt beside a good one; returns what is said of it."""

    def add(spoil):
        spoilt, good = make_result("spoilt"), make_result("good", skill=2.0)
        spoilt = spoil(spoilt) or spoilt
        code, told, errors = inside("leaderboard", "add", spoilt, good)
        assert code == 1
        assert told.splitlines() == [
            f"{good.name} is added.",
            "The tables in 'leaderboards' are up to date.",
        ]
        there = tmp_path / "leaderboards" / "results"
        assert [one.name for one in there.iterdir()] == [good.name]
        prefix = f"Error: Result {str(spoilt)!r} is refused: "
        lines = errors.replace(note(good), "").splitlines()
        assert all(line.startswith(prefix) for line in lines)
        return [line.removeprefix(prefix) for line in lines]

    return add


def test_an_edited_record_is_refused(refused):
    def edit(result):
        file = result / RECORD_FILE
        file.write_text(file.read_text().replace('"test_s": 9.0', '"test_s": 1.0'))

    assert refused(edit) == ["result.json is not as it was sealed: it was changed after it was written."]


def test_a_score_that_predictions_do_not_give_is_refused(refused):
    def better(result):
        ranking, *others = read_record(result).scores
        return forge(result, scores=(ranking.model_copy(update={"mean": ranking.high}), *others))

    (problem,) = refused(better)
    assert problem.startswith("accuracy is ")
    assert "; its predictions give " in problem


def test_each_problem_has_its_line(refused):
    def spoil(result):
        for name in ("predictions.parquet", "weights.safetensors"):
            (result / name).write_bytes(b"others")

    assert [problem.split("has")[0] for problem in refused(spoil)] == [
        "File 'predictions.parquet' ",
        "File 'weights.safetensors' ",
    ]


def test_a_result_without_its_predictions_is_refused(refused):
    def strip(result):
        for name in ("predictions.parquet", "weights.safetensors"):
            (result / name).unlink()

    assert refused(strip) == [
        "It is a bundle already; expected the whole result, with its predictions. Add that one."
    ]


def test_a_result_of_old_is_refused(refused):
    def age(result):
        (result / "outcomes.parquet").unlink()
        files = {name: one for name, one in read_record(result).files.items() if name != "outcomes.parquet"}
        return forge(result, files=files)

    assert refused(age) == [
        "It has no outcomes, as an earlier metabench made it; expected outcomes.parquet. Run it again."
    ]


def test_outcomes_by_a_metric_that_is_not_installed_must_give_its_score(refused):
    def spoil(result):
        ranking, *others = read_record(result).scores
        return forge(result, scores=(ranking, *others, ranking.model_copy(update={"metric": "unknown"})))

    (problem,) = refused(spoil)
    assert problem.startswith("unknown is ")
    assert problem.endswith("; no outcomes give it.")


def test_another_record_of_one_run_is_refused(inside, make_result, tmp_path):
    result = make_result()
    inside("leaderboard", "add", result)
    published = files_of(tmp_path / "leaderboards")
    spent = read_record(result).spent.model_copy(update={"test_s": 1.0})

    code, _, errors = inside("leaderboard", "add", forge(result, spent=spent))

    assert code == 1
    assert errors == (
        f"Error: Folder 'leaderboards' has another record of the run {result.name!r}; expected one for "
        "each run. Keep the one that is published.\n"
    )
    assert files_of(tmp_path / "leaderboards") == published


def test_what_is_damaged_in_the_folder_is_told_and_the_rest_is_built(inside, make_result, tmp_path):
    result, damaged = make_result("one"), make_result("two")
    inside("leaderboard", "add", result, damaged)
    (tmp_path / "leaderboards" / "results" / damaged.name / RECORD_FILE).write_text("{")

    code, _, errors = inside("leaderboard", "add")

    assert code == 1
    assert errors.startswith(f"Error: Result {damaged.name!r} has a damaged result.json")
    table = (tmp_path / "leaderboards" / "toy-2w1s.md").read_text()
    assert ("| one " in table, "| two " in table) == (True, False)


def test_what_is_no_result_is_told(inside, tmp_path):
    (tmp_path / "folder" / "empty").mkdir(parents=True)

    code, _, errors = inside("leaderboard", "add", "folder")
    assert code == 1
    assert errors.startswith("Error: Result 'empty' has no readable result.json")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere"], "'nowhere' has no results; expected a result's folder"),
        (["README.md"], "'README.md' is a file; expected a result's folder. Check the path."),
        (["--to", "."], "Folder '.' has a README.md of its own; expected a folder of leaderboards."),
    ],
)
def test_wrong_usage_is_told_and_nothing_is_written(inside, tmp_path, arguments, message):
    (tmp_path / "README.md").write_text("# Mine\n")

    code, _, errors = inside("leaderboard", "add", *arguments)

    assert code == 2
    assert message in errors
    assert files_of(tmp_path) == {"README.md": b"# Mine\n"}


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("README", "-readme.md"),
        ("../../outside", "--..-outside.md"),
        ("<script>alert(1)</script>", "-script-alert-1-script-.md"),
    ],
)
def test_a_benchmark_of_any_name_has_a_file_in_the_folder(inside, make_result, tmp_path, name, file):
    result = make_result(benchmark={"name": name})
    code, _, errors = inside("leaderboard", "add", result)

    assert (code, errors) == (0, note(result))
    tables = {one for one in files_of(tmp_path / "leaderboards") if one.endswith(".md")}
    assert tables == {"README.md", file}
    assert "<script>" not in (tmp_path / "leaderboards" / file).read_text()


def test_json_of_a_bundle_tells_what_was_left_out(inside, make_result):
    inside("leaderboard", "add", make_result())

    _, told, _ = inside("verify", "leaderboards/results", "--json")
    ((written, _),) = (one["findings"] for one in json.loads(told))
    assert written["remarks"][0].startswith("A bundle, without predictions.parquet, weights.safetensors: ")
