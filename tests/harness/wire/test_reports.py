"""Reports: what one side says is what the other hears, and nothing else is heard."""

import json

import pytest
from pydantic import ValidationError

from metabench.wire.message import Message, WireError, decode_header, encode
from metabench.wire.reports import Assignment, Failure, PluginAddress, Progress, hear, say

ADDRESS = PluginAddress(
    target="a.b:C",
    search_path=None,
    options={"flag": True, "n": 3, "lr": 0.5, "mode": "x", "one": 1.0},
    model="/somewhere/else",
)
ASSIGNMENT = Assignment(
    role="train",
    algorithm=ADDRESS,
    backbone=PluginAddress(target="d:E", search_path="/somewhere", options={}, model=None),
    most_way=5,
    n_way=5,
    n_shot=1,
    n_query=15,
    example_shape=(1, 28, 28),
    n_tokens=0,
    seed=0,
    device="cpu",
    device_memory_mib=None,
    precision="fp32",
    n_threads=1,
    seconds=60.0,
    episodes=None,
)
PROGRESS = Progress(fraction=0.5, steps=3, episodes=6, examples=480, validation=0.25)
FAILURE = Failure(status="crashed", message="ValueError: no")


def transmitted(message):
    """The message after its way as bytes."""
    header = decode_header(bytes(encode(message)[0])[4:])
    return Message(header.kind, header.fields)


@pytest.mark.parametrize(
    "report",
    [
        ASSIGNMENT,
        ASSIGNMENT.model_copy(update={"role": "test", "seconds": None, "episodes": 300}),
        PROGRESS,
        PROGRESS.model_copy(update={"validation": None}),
        FAILURE,
    ],
)
def test_a_report_is_heard_as_it_was_said(report):
    heard = hear(transmitted(say("word", report)), type(report))

    assert heard == report
    assert type(heard) is type(report)


def test_options_keep_their_types():
    options = hear(transmitted(say("a", ASSIGNMENT)), Assignment).algorithm.options

    assert {name: type(value) for name, value in options.items()} == {
        "flag": bool,
        "n": int,
        "lr": float,
        "mode": str,
        "one": float,
    }


def test_whole_numbers_are_heard_where_numbers_are_expected():
    heard = hear(Message("p", {**PROGRESS.model_dump(), "fraction": 1, "validation": 0}), Progress)

    assert (heard.fraction, heard.validation) == (1.0, 0.0)


def test_reports_cannot_be_changed():
    with pytest.raises(ValidationError, match="frozen"):
        PROGRESS.fraction = 1.0


@pytest.mark.parametrize(
    "report", [ASSIGNMENT, PROGRESS, FAILURE, ADDRESS], ids=lambda one: type(one).__name__
)
def test_every_field_must_be_there(report):
    fields = json.loads(report.model_dump_json())
    for name in fields:
        without = {key: value for key, value in fields.items() if key != name}
        with pytest.raises(WireError, match=rf"^'word' with field '{name}': Field required$"):
            hear(Message("word", without), type(report))


@pytest.mark.parametrize(
    "report", [ASSIGNMENT, PROGRESS, FAILURE, ADDRESS], ids=lambda one: type(one).__name__
)
def test_no_other_field_may_be_there(report):
    fields = {**json.loads(report.model_dump_json()), "label": 1}
    with pytest.raises(WireError, match=r"^'word' with field 'label': Extra inputs are not permitted$"):
        hear(Message("word", fields), type(report))


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("fraction", value) for value in (NAN, INF, -INF, -0.1, 1.1, "0.5", True, None, [0.5])],
        *[("steps", value) for value in (-1, 1.0, 1.5, "1", True, None, NAN, 2**53 + 1, 10**300)],
        *[("episodes", value) for value in (-1, 2.0, False)],
        *[("examples", value) for value in (-1, 2.0, False)],
        *[("validation", value) for value in (NAN, INF, -0.1, 1.1, "0.5", True)],
    ],
)
def test_an_ill_typed_or_impossible_progress_is_refused(name, value):
    with pytest.raises(WireError, match=rf"^'progress' with field '{name}': Input should be"):
        hear(Message("progress", {**PROGRESS.model_dump(), name: value}), Progress)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("status", "ok"),
        ("status", "timeout"),
        ("status", 1),
        ("message", None),
        ("message", 1),
        ("message", "x" * 2001),
        ("message", "\ud800"),
    ],
)
def test_an_ill_typed_failure_is_refused(name, value):
    with pytest.raises(WireError, match=rf"^'failed' with field '{name}': "):
        hear(Message("failed", {**FAILURE.model_dump(), name: value}), Failure)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("role", "audit"),
        ("n_way", "5"),
        ("n_way", 5.0),
        ("n_shot", True),
        ("example_shape", 28),
        ("example_shape", [1.0, 28, 28]),
        ("example_shape", ["28"]),
        ("seconds", NAN),
        ("seconds", INF),
        ("seconds", "60"),
        ("episodes", 2.5),
        ("precision", "fp16"),
        ("algorithm", "a:B"),
    ],
)
def test_an_ill_typed_assignment_is_refused(name, value):
    fields = {**json.loads(ASSIGNMENT.model_dump_json()), name: value}
    with pytest.raises(WireError, match=rf"^'assignment' with field '{name}"):
        hear(Message("assignment", fields), Assignment)


@pytest.mark.parametrize("value", [None, [1], {"a": 1}, NAN, INF])
def test_an_option_of_another_type_is_refused(value):
    fields = {**ADDRESS.model_dump(), "options": {"x": value}}
    with pytest.raises(WireError, match=r"^'word' with field 'options\.x"):
        hear(Message("word", fields), PluginAddress)


def test_a_reason_stays_one_short_line_whatever_was_sent():
    fields = {**FAILURE.model_dump(), "x\n" * 10_000: 1}
    with pytest.raises(WireError) as refused:
        hear(Message("kind\n" * 10_000, fields), Failure)

    assert len(str(refused.value)) < 300
    assert len(str(refused.value).splitlines()) == 1


def test_a_contestants_words_cannot_command_a_terminal():
    heard = hear(Message("failed", {"status": "crashed", "message": "a\x1b[2Jb\nc\u202ed\x07"}), Failure)

    assert heard.message == "a [2Jb c d "
