"""The benchmark that a record tells of, drawn again on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.errors import DataError
from metabench.results.files import ResultError

if TYPE_CHECKING:
    from metabench.results.arena import Arena
    from metabench.results.record import BenchmarkPart
    from metabench.verification.machine import Machine


class NotComparableError(Exception):
    """The benchmark's episodes are not known on this machine; the message says why."""


def drawn_again(part: BenchmarkPart, n_told: int, machine: Machine) -> Arena:
    """Draw the episodes that a record tells of.

    Nobody draws as many as a stranger's record tells of, unless something is told of each.

    Args:
        part: Of the record.
        n_told: Episodes of which something is told.
        machine: With its datasets.

    Raises:
        NotComparableError: They are not known here.
        ResultError: The benchmark has other ones.
        UsageError: There can be no such benchmark.
    """
    if n_told != part.n_episodes:
        raise ResultError(f"There are answers to {n_told} episodes; expected {part.n_episodes}.")
    try:
        here = machine.arena(part)
    except DataError as error:
        raise NotComparableError(str(error)) from error
    _check_same_data(part, here.part)
    if part != here.part:
        raise ResultError(
            f"Its episodes have the hash {part.manifest_hash}; the benchmark's {here.part.manifest_hash}."
        )
    return here


def _check_same_data(told: BenchmarkPart, here: BenchmarkPart) -> None:
    """Say if what is here gives other episodes, as the stream of episodes depends on it."""
    if told.sampler_version != here.sampler_version:
        raise NotComparableError(
            f"they were drawn by sampler {told.sampler_version}; this metabench has {here.sampler_version}."
        )
    pairs = ((told.dataset, here.dataset), (told.source, here.source))
    for one, other in pairs:
        if one != other and one is not None and other is not None:
            raise NotComparableError(
                f"dataset {one.name!r} has content {other.content_hash[:16]} and splits "
                f"{other.split_hash[:16]} here; the result's {one.content_hash[:16]} and "
                f"{one.split_hash[:16]}."
            )
