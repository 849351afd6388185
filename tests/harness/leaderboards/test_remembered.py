"""What is remembered of a folder of results is shown only as long as every file is what it was."""

from __future__ import annotations

import pytest

from metabench.errors import MetabenchError
from metabench.leaderboards import remembered
from metabench.leaderboards.remembered import Shown, show


@pytest.fixture
def results(tmp_path):
    for name in ("one", "two"):
        folder = tmp_path / "results" / name
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(f'{{"{name}": "outcomes.parquet"}}')
        (folder / "outcomes.parquet").write_text(name)
    return tmp_path / "results"


@pytest.fixture
def ask(results, tmp_path):
    """Asks for the table, which tells how often it was made."""
    made = []

    def make():
        made.append(1)
        return Shown(table=f"made {len(made)}", problems=("a — problem",))

    return lambda *wishes: show(results, wishes or ("terminal",), make, home=tmp_path / "home").table


def test_a_table_of_unchanged_results_is_made_once(ask, results, tmp_path):
    assert [ask(), ask()] == ["made 1", "made 1"]
    again = show(results, ["terminal"], pytest.fail, home=tmp_path / "home")
    assert again == Shown(table="made 1", problems=("a — problem",))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("one/outcomes.parquet", "onf"),
        ("one/result.json", '{"onf": "outcomes.parquet"}'),
        ("three/result.json", "{}"),
    ],
)
def test_it_is_made_anew_when_a_file_has_changed(ask, results, name, content):
    ask()
    (results / name).parent.mkdir(exist_ok=True)
    (results / name).write_text(content)
    assert [ask(), ask()] == ["made 2", "made 2"]


def test_it_is_made_anew_when_a_file_is_gone_or_a_folder_renamed(ask, results):
    ask()
    (results / "one" / "outcomes.parquet").unlink()
    assert ask() == "made 2"
    (results / "one").rename(results / "other")
    assert ask() == "made 3"


def test_predictions_count_where_the_record_tells_of_no_outcomes(ask, results):
    ask()
    (results / "one" / "predictions.parquet").write_text("not read for tables")
    assert ask() == "made 1"
    (results / "one" / "result.json").write_text("{}")
    assert ask() == "made 2"
    (results / "one" / "predictions.parquet").write_text("other")
    assert ask() == "made 3"


def test_another_wish_has_a_table_of_its_own(ask):
    assert [ask("terminal"), ask("csv"), ask("csv", "toy"), ask("terminal")] == [
        "made 1",
        "made 2",
        "made 3",
        "made 1",
    ]


def test_it_is_made_anew_by_other_code(ask, monkeypatch):
    ask()
    monkeypatch.setattr(remembered, "_code", lambda: "other")
    assert ask() == "made 2"


def test_an_edited_extension_is_other_code(monkeypatch, tmp_path):
    extension = tmp_path / "extension.py"
    monkeypatch.setattr(remembered, "extension_files", lambda: {extension, tmp_path})
    codes = []
    for text in ("a = 1", "a = 1", "a = 2"):
        extension.write_text(text)
        codes.append(remembered._code.__wrapped__())
    assert codes[0] == codes[1] != codes[2]


def test_what_changes_while_the_table_is_made_is_not_remembered(results, tmp_path):
    def make():
        (results / "one" / "outcomes.parquet").write_text("new")
        return Shown(table="of old and new", problems=())

    def make_again():
        return Shown(table="of new", problems=())

    show(results, ["terminal"], make, home=tmp_path / "home")
    (results / "one" / "outcomes.parquet").write_text("one")
    assert show(results, ["terminal"], make_again, home=tmp_path / "home").table == "of new"


def test_a_damaged_memory_is_none(ask, tmp_path):
    ask()
    (file,) = (tmp_path / "home").iterdir()
    file.write_text(file.read_text()[:-5])
    assert [ask(), ask()] == ["made 2", "made 2"]


def test_without_a_place_to_remember_it_is_made_each_time(ask, tmp_path):
    (tmp_path / "home").write_text("no folder")
    assert [ask(), ask()] == ["made 1", "made 2"]


def test_a_folder_that_cannot_be_read_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(MetabenchError, match=r"cannot be read"):
        show(tmp_path / "file", [], pytest.fail, home=tmp_path)
