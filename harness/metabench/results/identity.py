"""The identity of a run: a hash of everything that can change its number."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from metabench.results.record import SCHEMA_VERSION

if TYPE_CHECKING:
    from metabench.results.record import (
        BenchmarkPart,
        BudgetPart,
        EnvironmentPart,
        PluginPart,
        Record,
        TokenizerPart,
    )

# What says where a run took place, but not what its number can depend on.
INCIDENTAL = frozenset({"platform", "processor", "isolation", "metabench"})


@dataclass(frozen=True)
class IdentityParts:
    """The parts of a record that are known before the run and that its number depends on."""

    benchmark: BenchmarkPart
    algorithm: PluginPart
    backbone: PluginPart
    tokenizer: TokenizerPart | None
    budget: BudgetPart
    seed: int
    environment: EnvironmentPart

    @classmethod
    def of(cls, record: Record) -> Self:
        """The parts of a record."""
        return cls(
            benchmark=record.benchmark,
            algorithm=record.algorithm,
            backbone=record.backbone,
            tokenizer=record.tokenizer,
            budget=record.budget,
            seed=record.seed,
            environment=record.environment,
        )

    def identity(self, schema: int = SCHEMA_VERSION) -> str:
        """sha256 of the parts; names of convenience are left out.

        Args:
            schema: Of the record that has this identity.
        """
        on_gpu = self.budget.device_memory_mib is not None
        told = {
            "schema": schema,
            "benchmark": self.benchmark.model_dump(exclude={"name"}),
            "algorithm": self.algorithm.model_dump(exclude={"name", "version"}),
            "backbone": self.backbone.model_dump(exclude={"name", "version"}),
            # Without a GPU it says nothing of one, as in schema 1.
            "budget": self.budget.model_dump(exclude={"name"} if on_gpu else {"name", "device_memory_mib"}),
            "seed": self.seed,
            "environment": self.environment.model_dump(exclude=set(INCIDENTAL)),
        }
        if self.tokenizer is not None:
            told["tokenizer"] = self.tokenizer.model_dump()
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
