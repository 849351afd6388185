"""The record of one run: what ran, on what, what it spent, what came out.

It is read from folders that strangers send, so every field is checked when it is read.
"""

from __future__ import annotations

import math
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from metabench.referee.outcome import Blame, Phase, Status, Verdict
from metabench.spec.benchmark import MOST_EPISODES

SCHEMA_VERSION: Literal[2] = 2

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Beyond it a number is no amount of anything, and sums of such lose their meaning.
LARGEST = 1e18
_Whole = Annotated[int, Field(ge=0, lt=2**63)]
_Episodes = Annotated[int, Field(ge=1, le=MOST_EPISODES)]
_Answered = Annotated[int, Field(ge=0, le=MOST_EPISODES)]
_Amount = Annotated[float, Field(ge=0, le=LARGEST, allow_inf_nan=False)]
# JSON has no numbers for these; the interval over a single episode, for one, is infinite.
_NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _read_not_finite(value: object) -> object:
    return _NOT_FINITE.get(value, value) if isinstance(value, str) else value


def _bearable(value: float) -> float:
    if abs(value) > LARGEST:
        raise PydanticCustomError("too_large", "Input should be at most 1e18, either way")
    return value


_Number = Annotated[float, BeforeValidator(_read_not_finite)]
_Mean = Annotated[_Number, AfterValidator(_bearable)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, ser_json_inf_nan="strings")


class DatasetPart(_Part):
    """A dataset, by what it holds."""

    name: str
    content_hash: _Sha256
    split_hash: _Sha256


class BenchmarkPart(_Part):
    """What the run was measured on.

    Attributes:
        name: On the command line.
        dataset: Whose meta_test classes were asked.
        source: Whose meta_train and meta_val classes were learned from, where that is another.
        protocol: Short name, e.g. "5w1s".
        parameters: Of the protocol, e.g. n_way.
        sampler_version: Of the way that episodes are drawn.
        stream_seed: Of the stream of episodes.
        n_episodes: Asked.
        metric: That leaderboards rank by.
        manifest_hash: Of all that was asked.
    """

    name: str
    dataset: DatasetPart
    source: DatasetPart | None
    protocol: str
    parameters: dict[str, _Whole]
    sampler_version: _Whole
    stream_seed: _Whole
    n_episodes: _Episodes
    metric: str
    manifest_hash: _Sha256

    @property
    def shape(self) -> tuple[int, int] | None:
        """(n_query_total, n_way) of every episode; None where they vary."""
        told = self.parameters
        if not {"n_way", "n_query"} <= told.keys() or "min_way" in told:
            return None
        return told["n_way"] * told["n_query"], told["n_way"]


class PluginPart(_Part):
    """An algorithm or a backbone as it ran."""

    name: str
    target: str
    distribution: str
    version: str
    source_hash: str
    options: dict[str, bool | int | float | str]


class TokenizerPart(_Part):
    """What made numbers of texts, field by field as the backbone declares it.

    Attributes:
        library: Version of the library that did.
    """

    kind: str
    n_tokens: _Whole
    length: _Whole
    lowercase: bool
    file: str
    library: str


class BudgetPart(_Part):
    """What the run was given, seconds or episodes; GPU memory only where it had a GPU."""

    name: str
    seconds: _Amount | None
    episodes: _Whole | None
    memory_mib: _Whole
    adaptation_s: _Amount
    device_memory_mib: _Whole | None = None

    @model_validator(mode="after")
    def _check_amount(self) -> Self:
        if (self.seconds is None) == (self.episodes is None):
            raise PydanticCustomError("amount", "Input should have either seconds or episodes")
        return self


class EnvironmentPart(_Part):
    """What the run ran on.

    Attributes:
        metabench: Version.
        engine_hash: Of the part of metabench that runs inside contestants.
        python: Version.
        torch: Version.
        numpy: Version.
        platform: System and architecture.
        processor: Its name.
        device_class: Within which times compare: "cpu-N" with N threads, or that of a GPU.
        precision: Of the contestants' arithmetic.
        isolation: What was out of the contestants' reach: the referee's "process" always; where the machine
            has the means, "files" not granted, "memory" of other processes, "network" or at least "TCP",
            "paths" (even the names of files not granted), "signals" to other processes.
    """

    metabench: str
    engine_hash: _Sha256
    python: str
    torch: str
    numpy: str
    platform: str
    processor: str
    device_class: str
    precision: Literal["fp32", "bf16"]
    isolation: str


class SpentPart(_Part):
    """What the run spent: seconds on the referee's clock, MiB, and what the harness counted.

    Attributes:
        startup_s: Until the contestant was ready; not charged.
        meta_training_s: Charged.
        test_s: That the meta_test episodes took.
        processor_s: Of meta-training, on all cores, of all processes together; None: not measured.
        peak_memory_mib: The most of the machine's memory in use in any phase.
        peak_device_mib: The most of a GPU's memory in use in any phase; None: not measured.
        steps: Steps of torch's optimisers in meta-training.
        episodes: Meta-training episodes.
        examples: Examples drawn, in episodes and in minibatches.
    """

    startup_s: _Amount
    meta_training_s: _Amount
    test_s: _Amount
    processor_s: _Amount | None
    peak_memory_mib: _Amount
    peak_device_mib: _Amount | None
    steps: _Whole
    episodes: _Whole
    examples: _Whole


class ComputePart(_Part):
    """Floating-point operations, counted in a short rehearsal in the contestant's own process.

    Attributes:
        parameters: Numbers that meta-training can change; None: not known.
        per_training_step: Of one optimiser step, on average; None: the method makes none, or not known.
        per_test_episode: Of adapting to one meta_test episode and answering it, on average; None: not known.
        uncounted: Operators whose work could not be counted; the sums are without them.
        problem: Why something is not known; "" if all is.
    """

    parameters: _Whole | None
    per_training_step: _Amount | None
    per_test_episode: _Amount | None
    uncounted: tuple[str, ...]
    problem: str = ""


class CalibrationPart(_Part):
    """How fast the machine was around the run.

    Attributes:
        before_s: Seconds of each standard piece of work, by name.
        after_s: The same after the run.
        drift: The largest relative change of any of them.
        is_steady: The drift is so small that times can be compared.
    """

    before_s: dict[str, _Amount]
    after_s: dict[str, _Amount]
    drift: _Amount
    is_steady: bool


class FailurePart(_Part):
    """How the run failed."""

    phase: Phase
    message: str
    exit_code: int | None
    signal: str | None
    stderr_tail: str


class ScorePart(_Part):
    """A metric over all meta_test episodes, with its classical 95 % interval."""

    metric: str
    mean: _Mean
    low: _Number
    high: _Number
    n_episodes: _Answered


class CurvePoint(_Part):
    """The ranking metric of one commit, over the first meta_test episodes."""

    meta_training_s: _Amount
    mean: _Mean
    low: _Number
    high: _Number
    n_episodes: _Answered


class AuditPart(_Part):
    """What replaying episodes in a fresh process found.

    Differences are between logits, relative to the spread of an episode's logits.
    """

    verdict: Verdict
    n_episodes: _Answered
    noise_floor: _Number
    from_company: _Number
    from_history: _Number


class Record(_Part):
    """One run, whole. `scores` is empty where nothing could be scored.

    Attributes:
        disguise: sha256 of the secret by which the questions were put in order; None: schema 1.
        files: Names of the other files → sha256.
        seal: Checksum of result.json; the last field, see `metabench.results.seal`. None: schema 1, or not
            written yet.
    """

    schema_version: Literal[2] = SCHEMA_VERSION
    identity: _Sha256
    started: str
    benchmark: BenchmarkPart
    algorithm: PluginPart
    backbone: PluginPart
    pretraining: str
    tokenizer: TokenizerPart | None = None
    budget: BudgetPart
    seed: _Whole
    environment: EnvironmentPart
    spent: SpentPart
    compute: ComputePart | None
    calibration: CalibrationPart | None
    status: Status
    blame: Blame
    failure: FailurePart | None
    scores: tuple[ScorePart, ...]
    curve: tuple[CurvePoint, ...]
    audit: AuditPart
    disguise: _Sha256 | None = None
    files: dict[str, _Sha256]
    seal: _Sha256 | None = None

    @property
    def title(self) -> str:
        """One line that names the run for people."""
        return f"{self.algorithm.name} on {self.benchmark.name}, {self.budget.name}, seed {self.seed}"
