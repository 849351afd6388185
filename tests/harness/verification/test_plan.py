"""From a record to its plan: the same run again, or a refusal that says what is missing."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import Any

import pytest

from metabench.errors import DataError
from metabench.referee.description import Undescribed
from metabench.results.assemble import Planned
from metabench.results.record import TokenizerPart
from metabench.verification import plan as plan_module
from metabench.verification.plan import NotRepeatableError, repeatable


def test_the_plan_of_a_record_is_the_one_that_was_run(planned, machine, method) -> None:
    run = repeatable(planned, machine)

    assert run.plan == method
    assert Planned.of(run.plan, run.arena).identity == planned.identity
    assert run.differences == ()


def test_a_plugin_whose_source_has_changed_is_refused_with_both_hashes(planned, machine, tmp_path) -> None:
    own = shutil.copytree(machine.plugins, tmp_path / "own")
    (own / "methods.py").write_text((own / "methods.py").read_text() + "# edited\n")
    recorded = planned.algorithm.source_hash

    with pytest.raises(
        NotRepeatableError, match=r"Algorithm 'Means' has source [0-9a-f]{64} here; "
    ) as caught:
        repeatable(planned, replace(machine, plugins=own))
    assert f"the result was made with {recorded}. Take the version that ran" in str(caught.value)
    assert f"source {recorded} here" not in str(caught.value)


def test_a_plugin_file_that_is_not_there_is_named(planned, machine, tmp_path) -> None:
    with pytest.raises(
        NotRepeatableError,
        match=r"^Algorithm 'Means' ran from a file methods\.py; '.*elsewhere' has none\. .* by --plugins\.$",
    ):
        repeatable(planned, replace(machine, plugins=tmp_path / "elsewhere"))


def test_a_package_that_is_not_installed_is_named(result, machine) -> None:
    with pytest.raises(
        NotRepeatableError,
        match=r"'protonet' \(demo\.protonet:Demo\) of demo 1\.0 is not installed\. Install it\.",
    ):
        repeatable(result.record, machine)


def test_a_plugin_that_cannot_be_imported_is_told(planned, machine, monkeypatch) -> None:
    monkeypatch.setattr(
        plan_module, "describe_plugins", lambda plugins, _: dict.fromkeys(plugins, Undescribed("no torch"))
    )

    with pytest.raises(NotRepeatableError, match=r"Algorithm 'Means' cannot be used: no torch\."):
        repeatable(planned, machine)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"pretraining": "imagenet"},
            "Pretraining is 'imagenet' in the record; the backbone 'Linear' declares 'none'",
        ),
        (
            {
                "tokenizer": TokenizerPart(
                    kind="wordpiece", n_tokens=9, length=8, lowercase=True, file="", library="1"
                )
            },
            "The record tells of no tokenizer: kind of tokenizer 'wordpiece'",
        ),
    ],
)
def test_a_record_that_tells_of_something_else_is_refused(
    planned, machine, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(NotRepeatableError, match=said):
        repeatable(planned.model_copy(update=changes), machine)


def test_other_episodes_are_refused(planned, machine) -> None:
    benchmark = planned.benchmark.model_copy(update={"manifest_hash": "f" * 64})

    with pytest.raises(NotRepeatableError, match=r"has the episodes .* here; the result's are ffffffff"):
        repeatable(planned.model_copy(update={"benchmark": benchmark}), machine)


def test_a_dataset_that_is_not_here_is_told(planned, machine) -> None:
    with pytest.raises(DataError, match="Dataset 'toy' is unknown here"):
        repeatable(planned, replace(machine, datasets={}, _arenas={}))


def test_what_was_otherwise_where_it_ran_is_told(planned, machine) -> None:
    there = planned.environment.model_copy(
        update={"torch": "2.6.0", "processor": "another", "device_class": "cuda"}
    )

    run = repeatable(planned.model_copy(update={"environment": there}), replace(machine, n_threads=3))

    assert (run.plan.device, run.plan.n_threads) == ("cpu", 3)
    assert run.differences == (f"torch 2.6.0 → {planned.environment.torch}", "device_class cuda → cpu-3")
