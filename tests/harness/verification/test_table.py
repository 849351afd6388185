"""Tables: a row that its results do not give is found, and one that is left out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from metabench.errors import UsageError
from metabench.leaderboards.build import build
from metabench.results.folder import read_all
from metabench.verification.finding import Finding
from metabench.verification.table import check_table
from metabench_plugins.renderers.json_boards import metabench_renderers as json_renderers
from metabench_plugins.renderers.markdown import metabench_renderers

(MARKDOWN,) = metabench_renderers()


@pytest.fixture
def table(make_result, machine, tmp_path: Path) -> Path:
    """The table of three methods, beside their results."""
    for seed, name in enumerate(("good", "better", "best")):
        make_result(seed, algorithm=name)
    table = tmp_path / "table.md"
    table.write_text(MARKDOWN.render(build(read_all(tmp_path)[0], machine.metrics)) + "\n")
    return table


@pytest.fixture
def check(table: Path, machine) -> Callable[[], Finding]:
    return lambda: check_table(table, table.parent, renderer=MARKDOWN, metrics=machine.metrics)


def row_of(table: Path, name: str) -> str:
    return next(line for line in table.read_text().splitlines() if f"| {name} " in line)


def test_the_table_that_its_results_give_is_verified(table, check) -> None:
    found = check()

    assert (found.level, found.outcome, found.remarks) == (1, "verified", ())
    assert found.checked == f"3 rows, made anew from {str(table.parent)!r}"


def test_every_digit_of_a_table_counts(table, check) -> None:
    content = table.read_text()
    digits = [place for place, letter in enumerate(content) if letter.isdecimal()]
    assert len(digits) > 80
    for place in digits:
        other = str((int(content[place]) + 1) % 10)
        table.write_text(content[:place] + other + content[place + 1 :])
        assert check().problems, content[place - 20 : place + 20]


def test_the_last_digits_of_another_processor_are_no_difference(table, machine) -> None:
    (renderer,) = json_renderers()
    boards = build(read_all(table.parent)[0], machine.metrics)
    told = renderer.render(boards)
    mean = repr(boards[0].rows[0].score.low)
    assert len(mean) > 13

    def problems(other: float) -> tuple[str, ...]:
        table.write_text(told.replace(mean, repr(other)))
        return check_table(table, table.parent, renderer=renderer, metrics=machine.metrics).problems

    assert problems(float(mean) + 1e-12) == ()
    assert len(problems(float(mean) + 1e-7)) == 1


def test_an_altered_row_is_told_beside_what_it_should_be(table, check) -> None:
    row = row_of(table, "best")
    score = row.split("|")[4].split()[0]
    table.write_text(table.read_text().replace(row, row.replace(score, "99.99")))

    (problem,) = check().problems
    assert problem.startswith("Line ")
    assert "99.99" in problem.partition("; the results give ")[0]
    assert score in problem.partition("; the results give ")[2]


def test_a_row_that_is_left_out_is_found(table, check) -> None:
    row = row_of(table, "good")
    table.write_text(table.read_text().replace(row + "\n", ""))

    (problem,) = check().problems
    assert " says nothing; the results give '| " in problem
    assert "| good |" in problem


def test_a_row_that_is_invented_is_found(table, check) -> None:
    row = row_of(table, "good")
    table.write_text(table.read_text().replace(row, f"{row}\n{row.replace('good', 'mine')}"))

    (problem,) = check().problems
    assert "| mine |" in problem
    assert problem.endswith("; the results give nothing.")


def test_rows_cannot_change_places(table, check) -> None:
    best, good = row_of(table, "best"), row_of(table, "good")
    table.write_text(table.read_text().replace(best, "@").replace(good, best).replace("@", good))

    assert check().problems


def test_a_table_that_is_left_out_is_found(table, check, make_result) -> None:
    make_result(5, algorithm="other", budget={"seconds": 60.0}, spent={"meta_training_s": 60.0})

    assert any("60 s of meta-training" in problem for problem in check().problems)


def test_results_of_other_benchmarks_are_nothing_to_a_table(check, make_result) -> None:
    make_result(5, benchmark={"name": "other-2w1s"})

    assert check().outcome == "verified"


def test_an_altered_result_is_found_through_its_table(table, check) -> None:
    outcomes = next(table.parent.glob("*.best.*/outcomes.parquet"))
    outcomes.write_bytes(b"others")

    assert any("damaged" in problem for problem in check().problems)


def test_padding_is_nobodys_edit(table, check) -> None:
    table.write_text(table.read_text().replace("| best ", "|   best   ").replace("|---", "|-----"))

    assert check().outcome == "verified"


def test_a_table_of_something_else_is_not_verified(table, check) -> None:
    table.write_text("# Recipes\n")

    assert check().problems == (
        f"No heading in it is that of a benchmark with results in {str(table.parent)!r}.",
    )


def test_a_table_without_results_asks_for_them(table, machine) -> None:
    with pytest.raises(UsageError, match=r"^Folder '.*/nowhere' has no results; .* name another folder\.$"):
        check_table(table, table.parent / "nowhere", renderer=MARKDOWN, metrics=machine.metrics)
