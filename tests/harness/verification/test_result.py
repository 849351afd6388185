"""A result as a whole: the levels in their order, none beyond one that fails."""

from __future__ import annotations

import pytest
from safetensors.numpy import load, save

from metabench.verification import result as result_module
from metabench.verification.finding import PROVES, Finding
from metabench.verification.result import Depth, verify_result

READ_ONLY = Depth()


def levels(result, machine, depth=READ_ONLY) -> list[tuple[int, str]]:
    return [(one.level, one.outcome) for one in verify_result(result.folder, machine, depth)]


def test_a_real_run_is_verified_at_every_level(real, machine) -> None:
    found = list(verify_result(real.folder, machine, Depth(n_again=5, full=True)))

    assert [(one.level, one.outcome) for one in found] == [(level, "verified") for level in range(4)]
    assert not any(one.remarks for one in found)
    asked, ran = found[2:]
    assert asked.checked.startswith("logits of 5 episodes, ")
    assert asked.checked.endswith(" of their spread apart; up to 0.001 is noise")
    assert ran.checked == "status, verdict and predictions, to the last bit"


def test_other_weights_are_found_whatever_their_hash(real, machine) -> None:
    file = real.folder / "weights.safetensors"
    weights = load(file.read_bytes())
    weights["backbone.layer.weight"][0] *= 1.1
    file.write_bytes(save(weights))
    assert levels(real, machine) == [(0, "does not verify")]

    forged = real.forge()
    *read, asked = verify_result(forged.folder, machine, Depth(n_again=5))
    assert [one.outcome for one in read] == ["verified", "verified"]
    assert asked.problems[0].startswith("They are not the same: logits of 5 episodes, ")


def test_no_more_is_done_than_is_asked_for(result, machine, monkeypatch) -> None:
    monkeypatch.setattr(result_module, "check_answers", lambda *told: Finding(2, f"{told[-1]} episodes"))
    monkeypatch.setattr(result_module, "check_run", lambda *_: Finding(3, "the run"))

    read_only = [(0, "verified"), (1, "verified")]
    assert levels(result, machine) == read_only
    assert levels(result, machine, Depth(n_again=5)) == [*read_only, (2, "verified")]
    assert levels(result, machine, Depth(full=True)) == [*read_only, (3, "verified")]


def test_nothing_is_run_of_what_is_not_as_it_was_written(result, machine, monkeypatch) -> None:
    monkeypatch.setattr(result_module, "check_run", pytest.fail)
    (result.folder / "weights.safetensors").write_bytes(b"others")

    assert levels(result, machine, Depth(full=True)) == [(0, "does not verify")]


def test_what_is_no_result_ends_at_level_0(tmp_path, machine) -> None:
    (finding,) = verify_result(tmp_path, machine, Depth())

    assert finding.problems[0].endswith("delete it and run it again.")


def test_each_level_says_what_it_proves_and_what_not() -> None:
    assert list(PROVES) == [0, 1, 2, 3]
    assert all(" not prove " in meaning for meaning in PROVES.values())
