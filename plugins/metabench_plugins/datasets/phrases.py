"""Dataset `phrases`: what people say in everyday life, written for this project; nothing to download.

A class is an intent in a domain, such as "kitchen/report_fault": eight intents, each in ten domains, with
42 utterances each. Domains are kept apart: five are meta_train, two meta_val and three meta_test. What
can be learned is how an intent is worded, whatever it is about: 30 wordings of an intent occur in all
domains, twelve in meta_train alone, and twelve only outside of it. The words that stand out most, those
for the thing spoken of, tell the domain but not the intent.

Expected: with 25 s of meta-training on two CPU cores, `metabench evaluate protonet --benchmark phrases-5w1s
--benchmark phrases-5w5s --budget 25s`: 56.7 % at one shot, 68.0 % at five, where the untrained floor
(`centroid`) has 23.7 % and 29.5 %.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe
from metabench.hooks import hookimpl
from metabench_plugins.datasets._utterances import group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples, Split

_FOLDER = Path(__file__).with_name("phrases")
DOMAINS: dict[str, Split] = {
    "household": "meta_train",
    "kitchen": "meta_train",
    "leisure": "meta_train",
    "travel": "meta_train",
    "workplace": "meta_train",
    "health": "meta_val",
    "learning": "meta_val",
    "community": "meta_test",
    "money": "meta_test",
    "outdoors": "meta_test",
}
# Of every nine wordings of an intent, these are kept to one side.
_ONLY_IN_META_TRAIN = (2, 6)
_NEVER_IN_META_TRAIN = (4, 8)
_CYCLE = 9
# Steps through the things of a domain; without a common divisor with their number, each gets its turn.
_NEXT_WORDING, _NEXT_INTENT = 5, 3


def build(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Put the things of each domain into the wordings of each intent."""
    wordings, things = (read_sections(_FOLDER / name) for name in ("wordings.txt", "things.txt"))
    labelled = [
        (f"{domain}/{intent}", wording.format(things[domain][thing % len(things[domain])]))
        for domain, split in DOMAINS.items()
        for number, intent in enumerate(wordings)
        for thing, wording in _allowed(wordings[intent], split, first=number * _NEXT_INTENT)
    ]
    split_of = {name: DOMAINS[name.partition("/")[0]] for name, _ in labelled}
    return group("phrases", labelled, split_of)


def _allowed(wordings: list[str], split: Split, first: int) -> Iterator[tuple[int, str]]:
    """The wordings that a split may use, each with the number of the thing to put into it."""
    kept_away = _NEVER_IN_META_TRAIN if split == "meta_train" else _ONLY_IN_META_TRAIN
    for number, wording in enumerate(wordings):
        if number % _CYCLE not in kept_away:
            yield first + number * _NEXT_WORDING, wording


def read_sections(file: Path) -> dict[str, list[str]]:
    """Read lines "# name", each with its entries below it."""
    sections: dict[str, list[str]] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            entries = sections.setdefault(line[2:].strip(), [])
        elif line.strip():
            entries.append(line.strip())
    return sections


PHRASES = Recipe(
    name="phrases",
    title="Everyday utterances: eight intents in each of ten domains, split by domain; embedded",
    modality="text",
    backbone="bilstm",
    licence="Apache-2.0, the authors of metabench",
    citation="metabench, dataset phrases.",
    sources=(),
    content_hash="46c9743430d2bbb190a696e62edde91ec29c106e91d14419fc6b8b89946bd242",
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `phrases`."""
    return [PHRASES]
