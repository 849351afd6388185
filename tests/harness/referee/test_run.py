"""What comes of a run, whatever its contestant does; and that nothing of it stays."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass

import pytest

from metabench.referee.outcome import BLAME
from metabench.spec.budget import Budget

BRIEF = Budget("1s", seconds=1.0, adaptation_s=10)
SMALL = Budget("20ep", episodes=20, memory_mib=700, adaptation_s=10)


@dataclass(frozen=True)
class Case:
    """A contestant and what must come of it.

    Attributes:
        algorithm: "file:Class" in the folder of plugins.
        status: Of the run.
        phase: In which it fails; None if it does not.
        message: What the failure says, a regular expression.
        ending: Exit code or signal of the process, where the contestant ends it.
        is_scored: There are answers to all episodes.
        verdict: Of the audit.
        takes_all_cores: Runs when all others have ended: each would leave another no more than it may use.
        more: Arguments of the entry.
    """

    algorithm: str
    status: str = "ok"
    phase: str | None = None
    message: str = ""
    ending: int | str | None = None
    is_scored: bool = False
    verdict: str = "not audited"
    takes_all_cores: bool = False
    more: tuple[tuple[str, object], ...] = ()


def case(algorithm: str, *told: str, **more) -> Case:
    """A case that fails, as (status, phase, message), or one that does not."""
    of_case = ("ending", "is_scored", "verdict", "takes_all_cores")
    known = {name: more.pop(name) for name in of_case if name in more}
    if known.get("verdict"):
        known["is_scored"] = True
    return Case(algorithm, *told, more=tuple(more.items()), **known)


def ends(how: str, *told: str, **more) -> Case:
    """A contestant that ends its process so."""
    return case("endings:Ends", *told, options=(("how", how),), **more)


# The longest come first, so that they wait while others compute.
CASES = {
    "hangs on import": case(
        "hangs_on_import:Unreachable",
        "timeout",
        "start",
        r"starting \(imports.*more than 10 s",
        startup_s=10.0,
    ),
    "sleeps in training": case(
        "clocks:Sleeps", "timeout", "meta-training", "goes on 2 s after its 1 s", budget=BRIEF
    ),
    "goes on and ignores all signals": case(
        "clocks:GoesOn", "timeout", "meta-training", "goes on", budget=BRIEF, verdict="inductive"
    ),
    "stops its clocks": case(
        "clocks:StopsClocks", "timeout", "meta-training", "goes on 2 s after its 1 s", budget=BRIEF
    ),
    "computes on all cores": case(
        "processes:ComputesOnAllCores",
        "timeout",
        "meta-training",
        r"uses \d+\.\d s of processor time within .*; its budget is 1 at once, \d+\.\d s by then",
        budget=Budget("600s", seconds=600.0, adaptation_s=10),
        verdict="inductive",
        takes_all_cores=True,
    ),
    "answers on all cores": case(
        "processes:AnswersOnAllCores", "timeout", "test", "of processor time within", takes_all_cores=True
    ),
    "floods the referee": case("channels:Floods", "timeout", "meta-training", "goes on", budget=BRIEF),
    "hangs up and goes on": case(
        "channels:HangsUp", "protocol_violation", "meta-training", "closes its connection"
    ),
    "fails on import": case(
        "fails_on_import:Unreachable", "plugin_error", "start", "this file cannot be imported", ending=None
    ),
    "raises in setup": case("endings:RaisesInSetup", "plugin_error", "start", "no such layer"),
    "raises after a commit": case(
        "endings:RaisesAfterCommit", "crashed", "meta-training", "a late bug", verdict="inductive"
    ),
    "raises escape sequences": case(
        "endings:RaisesEscapes", "crashed", "meta-training", "red.*backwards second line"
    ),
    "diverges": case("endings:Diverges", "invalid_output", "meta-training", "not finite"),
    "exits with a code": ends("3", "crashed", "meta-training", r"without a word \(exit code 3\)", ending=3),
    "asks the interpreter to exit": ends("sys.exit", "crashed", "meta-training", "SystemExit"),
    "breaks its memory": ends("SIGSEGV", "crashed", "meta-training", "ended by SIGSEGV", ending="SIGSEGV"),
    "writes garbage": case("channels:WritesGarbage", "protocol_violation", "meta-training", "header"),
    "promises terabytes": case(
        "channels:PromisesTooMuch", "protocol_violation", "meta-training", "4000000000000"
    ),
    "answers before it is asked": case(
        "channels:SpeaksOutOfTurn",
        "protocol_violation",
        "meta-training",
        "sends 'predictions' while it meta-trains",
        verdict="inductive",
    ),
    "hides a bomb in its state": case(
        "endings:HidesBomb", "plugin_error", "meta-training", "'_extra_state' is a Bomb; expected tensors"
    ),
    "asks for more than its budget": case("endings:WantsMore", verdict="inductive"),
    "commits for ever": case("channels:CommitsForEver", verdict="inductive", budget=BRIEF),
    "allocates without end": case(
        "resources:Allocates", "out_of_memory", "meta-training", "700 MiB", budget=SMALL
    ),
    "allocates too much at once": case(
        "resources:Allocates",
        "out_of_memory",
        "meta-training",
        "alloc",
        budget=SMALL,
        options=(("at_once_mib", 16384),),
    ),
    "kills its guard": case(
        "processes:KillsGuard", "crashed", "meta-training", "guard was ended by SIGKILL", is_enclosed=False
    ),
    "flees from process to process": case(
        "processes:Flees", "timeout", "meta-training", "goes on", budget=BRIEF
    ),
    "multiplies": case(
        "processes:Multiplies", "protocol_violation", "meta-training", "more than 256 processes"
    ),
    "learns from features": case("honest:FeaturesOnly", verdict="inductive", features_only=True),
    "adapts by gradients": case("honest:Gradient", verdict="inductive"),
    "counts for itself": case("counts:CountsForItself", verdict="inductive"),
    "is not to be rehearsed": case("counts:IsNotToBeRehearsed", verdict="inductive"),
    "makes much noise": case("noise:MakesMuchNoise", verdict="inductive", is_enclosed=False),
    "leaves much behind": case("processes:LeavesMuchBehind", verdict="inductive"),
    "deletes itself": case("resources:DeletesItself", verdict="inductive"),
    "normalises queries by each other": case(
        "company:Maml", verdict="transductive", backbone="company:Normalised"
    ),
    "normalises queries by each other in bf16": case(
        "company:Maml", verdict="transductive", backbone="company:Normalised", precision="bf16"
    ),
    "learns from features in bf16": case(
        "honest:FeaturesOnly", verdict="inductive", features_only=True, precision="bf16"
    ),
    "adapts by gradients in bf16": case("honest:Gradient", verdict="inductive", precision="bf16"),
    "has features from a batch": case(
        "company:FromFeatures", verdict="transductive", backbone="company:Normalised", features_only=True
    ),
    "adapts on its queries": case("company:MovesMeans", verdict="transductive"),
    "remembers episodes": case("company:Remembers", verdict="stateful"),
}


@pytest.fixture(scope="module")
def before() -> tuple[int, set[str]]:
    """Open descriptors and living threads before the first run."""
    return _open_descriptors(), _threads()


@pytest.fixture(scope="module")
def runs(request, referee: Callable, entry: type, before) -> Iterator[dict[str, Future]]:
    """All selected runs, some at once: each mostly waits for imports and deadlines."""
    selected = [item for item in request.session.items if item.module is request.module]
    names = {item.callspec.params["name"] for item in selected if hasattr(item, "callspec")}
    with ThreadPoolExecutor(3) as pool, ThreadPoolExecutor(1) as one_by_one:

        def begin(executor: ThreadPoolExecutor, *, takes_all_cores: bool) -> dict[str, Future]:
            return {
                name: executor.submit(referee, entry(one.algorithm, **dict(one.more)))
                for name, one in CASES.items()
                if name in names and one.takes_all_cores == takes_all_cores
            }

        modest = begin(pool, takes_all_cores=False)
        one_by_one.submit(wait, modest.values())
        yield modest | begin(one_by_one, takes_all_cores=True)


@pytest.mark.parametrize("name", CASES)
def test_a_run_ends_as_its_contestant_deserves(name: str, runs: dict[str, Future]) -> None:
    ran, expected = runs[name].result(), CASES[name]
    outcome = ran.outcome
    assert outcome.status == expected.status, outcome.failure
    assert BLAME[outcome.status] == ("nobody" if expected.phase is None else "method")
    if outcome.failure is not None:
        assert outcome.failure.phase == expected.phase
        assert re.search(expected.message, outcome.failure.message)
        assert outcome.failure.message.isprintable()
        assert outcome.failure.ending is not None
        if expected.ending is not None:
            assert expected.ending in (outcome.failure.ending.exit_code, outcome.failure.ending.signal)
    assert (outcome.answers is not None) == expected.is_scored
    assert outcome.findings.verdict == expected.verdict
    assert ran.left == []
    assert ran.folders == []


@pytest.mark.parametrize("name", ["learns from features"])
def test_what_a_contestant_computes_is_counted_after_its_audit(name: str, runs: dict[str, Future]) -> None:
    # A step has one episode of 3 · 5 images, a test episode as many; 64 weights for each of 8 features.
    forward = 15 * 2 * 64 * 8
    compute = runs[name].result().outcome.compute
    assert compute.per_test_episode == forward + MEANS
    # Backward: gradients of the weights, and of the features that the means are made of.
    assert compute.per_training_step == 2 * (forward + MEANS)
    assert (compute.parameters, compute.uncounted, compute.problem) == (64 * 8 + 8, (), "")


# Six support examples, three classes, eight features.
MEANS = 2 * 6 * 3 * 8


@pytest.mark.parametrize("name", ["counts for itself"])
def test_who_distorts_its_counts_distorts_its_own_counts_only(name: str, runs: dict[str, Future]) -> None:
    outcome = runs[name].result().outcome
    assert outcome.compute.per_test_episode == 0
    assert outcome.progress.steps > 10**6
    assert outcome.processor_s > 0


@pytest.mark.parametrize("name", ["is not to be rehearsed"])
def test_who_cannot_be_rehearsed_is_said_so_and_stands(name: str, runs: dict[str, Future]) -> None:
    compute = runs[name].result().outcome.compute
    assert compute.per_training_step is None
    assert compute.problem == "crashed: its process ended without a word (exit code 3)"


def test_nothing_stays_open_after_all_runs(runs: dict[str, Future], before: tuple[int, set[str]]) -> None:
    for one in runs.values():
        one.result()
    assert _open_descriptors() <= before[0]
    assert not [name for name in _threads() - before[1] if not name.startswith("ThreadPoolExecutor")]


def _open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - counted, not used


def _threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}
