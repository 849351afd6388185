"""Dataset `fewrel`: sentences of Wikipedia, each with two marked entities; classes are their relations.

Upstream publishes 64 relations to train on and 16 to validate on, of 700 sentences each, and keeps
another 20 to itself. Here the 16 are meta_test, as in papers that report on them, and the 64 are divided
into 50 for meta_train and 14 for meta_val by a seed (`fewrel.json`). Classes are identifiers of Wikidata.

A relation is one of two entities, so a sentence alone would not say what is asked. The first mention of
the head entity stands between "@" and "@", that of the tail between "#" and "#", each a token of its own:
signs that every tokenizer knows (Zhou and Chen 2022, "entity marker (punct)"). Tokens are joined by
spaces.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

from metabench.data.recipe import Recipe, Source
from metabench.hooks import hookimpl
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets._utterances import group, read_json, unexpected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from metabench.data.recipe import ClassExamples
    from metabench_plugins.datasets._utterances import Labelled

SPLIT_FILE = Path(__file__).with_name("fewrel.json")
# The relations of upstream's training file were put in the order of hashes of this seed.
SPLIT_SEED = 0
_SIGNS = {"h": "@", "t": "#"}


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the sentences of each relation.

    Args:
        files: Upstream's training and validation file, by `Source.path`.
    """
    return group("fewrel", _read(files), read_split(SPLIT_FILE))


def _read(files: Mapping[str, Path]) -> Iterator[Labelled]:
    for file in files.values():
        for relation, rows in read_json("fewrel", file).items():
            for number, row in enumerate(rows):
                try:
                    yield relation, mark(row)
                except (ValueError, LookupError, TypeError, AttributeError) as error:
                    raise unexpected(
                        "fewrel", f"has number {number} of {relation!r} in {file.name!r} that is no sentence"
                    ) from error


def mark(row: object) -> str:
    """Join the tokens of a sentence, with signs around the first mention of each entity.

    Args:
        row: {"tokens": […], "h": [name, identifier, [[token number, …], …]], "t": likewise}.

    Raises:
        Exception: Any of those that a row of another form leads to.
    """
    told = cast("dict[str, list[object]]", row)
    tokens = [str(token) for token in told["tokens"]]
    for entity, sign in _SIGNS.items():
        _, _, mentions = told[entity]
        first = cast("list[list[int]]", mentions)[0]
        tokens[min(first)] = f"{sign} {tokens[min(first)]}"
        tokens[max(first)] = f"{tokens[max(first)]} {sign}"
    return " ".join(tokens)


def _source(file: str) -> Source:
    """Name a file of the official repository, which tells neither size nor checksum."""
    return Source(
        f"fewrel/{file}", f"https://raw.githubusercontent.com/thunlp/FewRel/master/data/{file}", None, None
    )


FEWREL = Recipe(
    name="fewrel",
    title="Sentences of Wikipedia with two marked entities, 80 relations; public part of FewRel 1.0",
    modality="text",
    backbone="bilstm",
    licence="MIT, 2018 THUNLP; sentences CC BY-SA, authors of Wikipedia",
    citation=(
        "X. Han, H. Zhu, P. Yu, Z. Wang, Y. Yao, Z. Liu, M. Sun. FewRel: a large-scale supervised few-shot "
        "relation classification dataset with state-of-the-art evaluation. EMNLP 2018."
    ),
    sources=(_source("train_wiki.json"), _source("val_wiki.json")),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `fewrel`."""
    return [FEWREL]
