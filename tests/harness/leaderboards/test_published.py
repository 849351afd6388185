"""The tables of a folder of published results, and their index."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from metabench.errors import UsageError
from metabench.leaderboards.published import check_is_ours, is_published, tables, write_tables
from metabench.leaderboards.renderer import Renderer
from metabench.results.files import ResultError, contents_of, read_record
from metabench.results.folder import Stored, write_result
from metabench.results.outcomes import Outcomes
from metabench.scoring.metric import Metric

METRICS = {"accuracy": Metric("accuracy", "accuracy", lambda logits, labels: np.zeros(len(logits)))}
HEADING = "### toy: title, 4 episodes"
NAMES = Renderer(
    "names",
    "the methods of each board, below a heading",
    lambda boards: "\n".join([HEADING, *(row.algorithm for board in boards for row in board.rows)]),
)
PUBLISHED = Path(__file__).parents[3] / "leaderboards"
OUTCOMES = Outcomes({"accuracy": np.array([0.1, 0.2, 0.3, 0.4])}, np.full(4, 0.5))


@pytest.fixture
def store(tmp_path: Path, make_record):
    """Stores results beside each other in a folder of leaderboards."""

    def write(algorithm: str = "protonet", **changes) -> Stored:
        record = make_record(algorithm=algorithm, **changes)
        folder = write_result(tmp_path / "results", record, contents_of(outcomes=OUTCOMES))
        return Stored(folder, read_record(folder))

    return write


def test_each_benchmark_has_a_table_of_all_its_boards(store) -> None:
    long = {"budget": {"name": "1h", "seconds": 3600.0}}
    stored = [store("a"), store("b", **long), store("c", benchmark={"name": "other-2w1s", "stream_seed": 1})]

    made = tables(stored, NAMES, METRICS)

    assert made.keys() == {"README.md", "toy-2w1s.md", "other-2w1s.md"}
    assert (made["toy-2w1s.md"], made["other-2w1s.md"]) == (f"{HEADING}\na\nb\n", f"{HEADING}\nc\n")


def test_the_index_tells_what_is_in_each(store) -> None:
    stored = [store(seed=0), store(seed=1), store(budget={"name": "1h", "seconds": 3600.0})]

    (row,) = (line for line in tables(stored, NAMES, METRICS)["README.md"].splitlines() if "2w1s" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == ["[`toy-2w1s`](toy-2w1s.md)", "300s, 3600s", "1", "3"]


def test_the_order_of_results_changes_nothing(store) -> None:
    stored = [store("a"), store("b"), store("c", benchmark={"name": "first-2w1s", "stream_seed": 1})]

    assert tables(stored, NAMES, METRICS) == tables(stored[::-1], NAMES, METRICS)


def test_without_results_the_index_says_so() -> None:
    made = tables([], NAMES, METRICS)

    assert made.keys() == {"README.md"}
    assert "\nNo results yet.\n" in made["README.md"]


def test_names_that_file_systems_cannot_tell_apart_share_a_file(store) -> None:
    stored = [store("a", benchmark={"name": "TOY/x"}), store("b", benchmark={"name": "toy-X"})]

    assert tables(stored, NAMES, METRICS)["toy-x.md"] == f"{HEADING}\na\nb\n"


def test_a_folder_with_a_text_of_somebodys_is_not_ours(tmp_path: Path) -> None:
    check_is_ours(tmp_path)
    write_tables(tmp_path, NAMES, METRICS)
    check_is_ours(tmp_path)
    (tmp_path / "README.md").write_text("# Mine")

    with pytest.raises(UsageError, match=r"has a README\.md of its own; expected a folder of leaderboards"):
        check_is_ours(tmp_path)


def test_what_is_published_in_this_repository_is_ours() -> None:
    check_is_ours(PUBLISHED)


def test_a_table_of_which_no_results_are_left_is_removed(store, tmp_path: Path) -> None:
    store()
    write_tables(tmp_path, NAMES, METRICS)
    shutil.rmtree(tmp_path / "results")

    write_tables(tmp_path, NAMES, METRICS)

    assert [path.name for path in tmp_path.glob("*.md")] == ["README.md"]


@pytest.mark.parametrize("text", ["# Mine", "### Mine", "", "Mine\n### toy: title, 4 episodes"])
@pytest.mark.parametrize("name", ["notes.md", "toy-2w1s.md"])
def test_a_text_of_somebodys_is_neither_replaced_nor_removed(store, tmp_path: Path, name, text) -> None:
    store()
    write_tables(tmp_path, NAMES, METRICS)
    index, notes = tmp_path / "README.md", tmp_path / name
    index.write_text(index.read_text() + "[notes](notes.md)\n")
    notes.write_text(text)
    before = {path: path.read_bytes() for path in tmp_path.glob("*.md")}

    told = rf"^File '.*/{name}' is none of the tables that metabench makes, .*; .* Move it out of the folder"
    for refused in (lambda: check_is_ours(tmp_path), lambda: write_tables(tmp_path, NAMES, METRICS)):
        with pytest.raises(UsageError, match=told):
            refused()
    assert {path: path.read_bytes() for path in tmp_path.glob("*.md")} == before

    notes.unlink()
    write_tables(tmp_path, NAMES, METRICS)
    assert sorted(path.name for path in tmp_path.glob("*.md")) == ["README.md", "toy-2w1s.md"]


def test_a_text_of_somebodys_that_no_index_names_is_not_replaced(store, tmp_path: Path) -> None:
    store()
    notes = tmp_path / "toy-2w1s.md"
    notes.write_text("# Mine")

    with pytest.raises(UsageError, match=r"toy-2w1s\.md' is none of the tables"):
        write_tables(tmp_path, NAMES, METRICS)
    assert (notes.read_text(), (tmp_path / "README.md").exists()) == ("# Mine", False)


def test_a_link_out_of_the_folder_removes_nothing(store, tmp_path: Path) -> None:
    store()
    write_tables(tmp_path, NAMES, METRICS)
    outside = tmp_path.parent / f"{tmp_path.name}.md"
    outside.touch()
    index = tmp_path / "README.md"
    index.write_text(index.read_text() + f"[x](../{outside.name}) [y](/{outside.name})\n")

    write_tables(tmp_path, NAMES, METRICS)

    assert outside.exists()
    outside.unlink()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "README.md").mkdir()

    with pytest.raises(
        ResultError, match=r"^Folder '.*' cannot be written \(.*\); expected a folder with room"
    ):
        write_tables(tmp_path, NAMES, METRICS)


def test_a_run_is_published_once(store, tmp_path: Path) -> None:
    record = store().record
    other = record.model_copy(update={"started": "2026-01-02T00:00:00+00:00"})

    assert is_published(record, tmp_path)
    assert not is_published(record.model_copy(update={"identity": "0" * 64}), tmp_path)
    with pytest.raises(ResultError, match="has another record of the run 'toy-2w1s"):
        is_published(other, tmp_path)
