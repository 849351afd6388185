"""Dataset `phrases`: what people say in everyday life, written for this project; nothing to download.

Ten domains of eight intents with 42 utterances each. Domains are kept apart: five are meta_train, two
meta_val and three meta_test. Utterances of one intent share few words, so that counting words does not
tell intents apart. Classes are "domain/intent".
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
    from metabench_plugins.datasets._utterances import Labelled

FOLDER = Path(__file__).with_name("phrases")
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


def build(_files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the utterances of each intent from the files beside this one."""
    labelled = [one for domain in DOMAINS for one in read_domain(FOLDER / f"{domain}.txt")]
    split_of = {name: DOMAINS[name.partition("/")[0]] for name, _ in labelled}
    return group("phrases", labelled, split_of)


def read_domain(file: Path) -> Iterator[Labelled]:
    """Read the intents of a domain: lines "# intent", each with its utterances below it."""
    name = ""
    for line in file.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            name = f"{file.stem}/{line[2:].strip()}"
        elif line.strip():
            yield name, line


PHRASES = Recipe(
    name="phrases",
    title="Everyday utterances of 80 intents in ten domains, split by domain; embedded",
    modality="text",
    backbone="bilstm",
    licence="Apache-2.0, the authors of metabench",
    citation="metabench, dataset phrases.",
    sources=(),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `phrases`."""
    return [PHRASES]
