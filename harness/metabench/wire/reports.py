"""What the two processes tell each other, field by field; checked where it is received."""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from metabench.wire.message import Message, WireError

# Above what any run counts, and what every file format takes.
_LARGEST = 2**53
_Count = Annotated[int, Field(ge=0, le=_LARGEST)]
# As many names of operators as anybody reads.
MOST_OPERATORS = 50
_Operator = Annotated[str, Field(pattern=r"^[\w.]{1,100}$")]
# JSON has no tuples.
_Shape = Annotated[tuple[int, ...], Field(strict=False)]


class _Report(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _printable(text: str) -> str:
    """A contestant's words go to terminals, where control characters would command instead of tell."""
    return "".join(character if character.isprintable() else " " for character in text)


class PluginAddress(_Report):
    """Where a contestant imports a plugin from, and the options it gets.

    Attributes:
        target: "module:Class".
        search_path: Folder of a one-file plugin's source, in the contestant's work folder or absolute; None
            for an installed one.
        options: The values to set, by name.
        model: File or folder of its pretrained model; None if none is named.
    """

    target: str
    search_path: str | None
    options: dict[str, bool | int | float | str]
    model: str | None


class Assignment(_Report):
    """What a contestant process is told before it is ready.

    Attributes:
        role: Meta-train from the seed, or test from given weights.
        algorithm: The method.
        backbone: What turns inputs into features.
        most_way: The most classes of any meta_test episode.
        n_way: Classes per episode, as a rule.
        n_shot: Support examples per class, as a rule.
        n_query: Query examples per class, as a rule.
        example_shape: Shape of one example: (channels, height, width), or (length,) of a text.
        n_tokens: Of a text: token ids lie in 0 … n_tokens − 1; 0 for images.
        seed: Of initial weights and meta-training episodes.
        device: "cpu" or "cuda:N".
        precision: Of the arithmetic.
        device_memory_mib: GPU memory that may be held, MiB; None where there is no GPU.
        n_threads: Threads to compute with on the CPU.
        seconds: Budget of meta-training in time.
        episodes: Budget of meta-training in episodes.
    """

    role: Literal["train", "test"]
    algorithm: PluginAddress
    backbone: PluginAddress
    most_way: int
    n_way: int
    n_shot: int
    n_query: int
    example_shape: _Shape
    n_tokens: int
    seed: int
    device: str
    device_memory_mib: int | None
    precision: Literal["fp32", "bf16"]
    n_threads: int
    seconds: float | None
    episodes: int | None


class Bench(_Report):
    """What standard pieces of work are timed with.

    Attributes:
        device: "cpu" or "cuda:N".
        n_threads: Threads to compute with on the CPU.
    """

    device: str
    n_threads: int


class Timings(_Report):
    """How long standard pieces of work take, seconds, by name."""

    seconds: dict[str, Annotated[float, Field(gt=0)]]


class Progress(_Report):
    """How far meta-training is, as the harness counts it within the contestant's process.

    A method that reaches into the harness there can distort these counts; what ends it is counted elsewhere.

    Attributes:
        fraction: Part of the budget spent, 0 … 1.
        steps: Steps of torch's optimisers, whatever loop makes them; without those of validations.
        episodes: Meta-training episodes drawn.
        examples: Examples drawn, in episodes and in minibatches.
        validation: Last accuracy on meta_val; None before the first.
    """

    fraction: float = Field(ge=0, le=1)
    steps: _Count
    episodes: _Count
    examples: _Count
    validation: float | None = Field(ge=0, le=1)


class Counted(_Report):
    """What a contestant has computed, as the harness counts it within its process.

    Attributes:
        operations: Floating-point operations.
        steps: Optimiser steps in which they were made; 0 where episodes were answered.
        parameters: Numbers that meta-training can change.
        uncounted: Operators whose work is not in `operations`, as far as it is known.
    """

    operations: float = Field(ge=0)
    steps: _Count
    parameters: _Count
    uncounted: Annotated[tuple[_Operator, ...], Field(strict=False, max_length=MOST_OPERATORS)]


class CheckOrder(_Report):
    """What the conformance kit is to check.

    Attributes:
        algorithm: The method.
        backbones: What it is checked on, one after the other, by name; the kit's own if there are none.
        protocol: Ways and shots that it is built for, e.g. "5w1s".
        episodes: Meta-training episodes within which it must learn a toy problem.
    """

    algorithm: PluginAddress
    backbones: dict[str, PluginAddress]
    protocol: str
    episodes: int


class Checked(_Report):
    """What a check of the conformance kit has found.

    Attributes:
        check: Its name.
        backbone: Name of the backbone's class.
        status: "fail": the harness demands otherwise; "note": worth knowing, no more; "not run": an earlier
            failure leaves nothing to check.
        message: What is so, in one line; empty where all is well.
    """

    check: Annotated[str, Field(max_length=200), AfterValidator(_printable)]
    backbone: Annotated[str, Field(max_length=200), AfterValidator(_printable)]
    status: Literal["pass", "fail", "note", "not run"]
    message: Annotated[str, Field(max_length=4000), AfterValidator(_printable)]


class Failure(_Report):
    """Why a contestant gives up.

    Attributes:
        status: What kind of failure it is.
        message: One line for people; line ends and other control characters become spaces.
    """

    status: Literal["plugin_error", "crashed", "out_of_memory", "invalid_output"]
    message: Annotated[str, Field(max_length=2000), AfterValidator(_printable)]


_AnyReport = TypeVar("_AnyReport", bound=_Report)


def say(kind: str, report: _Report) -> Message:
    """Put a report into a message."""
    return Message(kind, report.model_dump(mode="json"))


def hear(message: Message, report: type[_AnyReport]) -> _AnyReport:
    """Read the report in a message.

    Raises:
        WireError: The message's fields are not those of the report.
    """
    try:
        return report.model_validate(message.fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))[:80]
        raise WireError(f"{message.kind[:40]!r} with field {where!r}: {first['msg']}") from error
