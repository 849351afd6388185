"""Why results stand in separate tables: in what the rules of leaderboards of one benchmark differ."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metabench.leaderboards.table import Track

_HASH_LENGTH = 8


def set_apart(tracks: Sequence[Track]) -> list[tuple[str, ...]]:
    """In what each track differs from others of a benchmark of the same name.

    Args:
        tracks: Of leaderboards.

    Returns:
        For each track the rules that not all have alike, as records name them, and its own, e.g.
        "budget.seconds: 60.0".
    """
    namesakes: dict[str, list[dict[str, object]]] = defaultdict(list)
    rules = [dict(_flat(_rules(track))) for track in tracks]
    for track, one in zip(tracks, rules, strict=True):
        namesakes[track.benchmark.name].append(one)
    return [
        tuple(_own(one, namesakes[track.benchmark.name])) for track, one in zip(tracks, rules, strict=True)
    ]


def _rules(track: Track) -> dict[str, object]:
    """All of them but names, which are of convenience."""
    return {
        "benchmark": track.benchmark.model_dump(exclude={"name"}),
        "budget": track.budget.model_dump(exclude={"name"}),
        "pretrained": track.pretrained,
        "device_class": track.device_class,
        "precision": track.precision,
    }


def _flat(rules: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    for name, value in rules.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield above + name, value


def _own(rules: Mapping[str, object], namesakes: Sequence[Mapping[str, object]]) -> Iterator[str]:
    for name, value in rules.items():
        if any(other.get(name) != value for other in namesakes):
            shown = value[:_HASH_LENGTH] if isinstance(value, str) and name.endswith("hash") else value
            yield f"{name}: {shown}"
