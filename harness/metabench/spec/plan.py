"""The plan of one run: everything that can change its number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from metabench.discovery.plugin import Plugin
    from metabench.spec.benchmark import Benchmark
    from metabench.spec.budget import Budget
    from metabench.spec.tokenizer import Tokenizer

OptionValue = bool | int | float | str
Precision = Literal["fp32", "bf16"]


@dataclass(frozen=True)
class Entrant:
    """A plugin as it enters a run.

    Attributes:
        plugin: Which one.
        options: Name → value of every option, defaults included, sorted by name.
        source_hash: Hash of the source it consists of; "" if that cannot be read.
    """

    plugin: Plugin
    options: tuple[tuple[str, OptionValue], ...]
    source_hash: str


@dataclass(frozen=True)
class RunPlan:
    """One run of a sweep.

    Attributes:
        benchmark: What is measured.
        algorithm: The method.
        backbone: What turns inputs into features.
        features_only: The algorithm declares that it sees each example through the backbone alone.
        pretraining: What the backbone declares it was trained on before; "none" if nothing.
        budget: What it may spend.
        seed: Seed of the contestant: initial weights and meta-training episodes.
        device: "cpu" or "cuda:N".
        precision: Of the contestant's arithmetic.
        n_threads: Threads that the contestant computes with on the CPU.
        tokenizer: Makes numbers of texts; None for images.
    """

    benchmark: Benchmark
    algorithm: Entrant
    backbone: Entrant
    features_only: bool
    pretraining: str
    budget: Budget
    seed: int
    device: str
    precision: Precision
    n_threads: int
    tokenizer: Tokenizer | None = None

    @property
    def device_memory_mib(self) -> int | None:
        """Memory of GPUs that its contestants may hold, MiB; None where it has no GPU."""
        return None if self.device == "cpu" else self.budget.device_memory_mib
