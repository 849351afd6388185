"""Dataset `20newsgroups`: postings to twenty newsgroups.

The 18,828 postings without duplicates, as Bao et al. (2020) publish them, with their class split by
subject: the eight groups of `rec` and `sci` for meta_train, the five of `comp` for meta_val, the other
seven for meta_test. Postings come as tokens, of which the first 500 are taken, as in the paper.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.data.recipe import Recipe
from metabench.hooks import hookimpl
from metabench_plugins.datasets import _signatures
from metabench_plugins.datasets._utterances import group

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from metabench.data.recipe import ClassExamples, Split

# In the order of upstream's numbers.
_CLASSES = (
    "talk.politics.mideast",
    "sci.space",
    "misc.forsale",
    "talk.politics.misc",
    "comp.graphics",
    "sci.crypt",
    "comp.windows.x",
    "comp.os.ms-windows.misc",
    "talk.politics.guns",
    "talk.religion.misc",
    "rec.autos",
    "sci.med",
    "comp.sys.mac.hardware",
    "sci.electronics",
    "rec.sport.hockey",
    "alt.atheism",
    "rec.motorcycles",
    "comp.sys.ibm.pc.hardware",
    "rec.sport.baseball",
    "soc.religion.christian",
)
_SPLIT_OF: dict[str, Split] = {"rec": "meta_train", "sci": "meta_train", "comp": "meta_val"}


def build(files: Mapping[str, Path]) -> Iterator[ClassExamples]:
    """Read the postings of each group.

    Args:
        files: The archive, by `Source.path`.
    """
    (archive,) = files.values()
    split_of = {name: _SPLIT_OF.get(name.partition(".")[0], "meta_test") for name in _CLASSES}
    return group("20newsgroups", _signatures.read("20newsgroups", archive, "20news.json", _CLASSES), split_of)


NEWSGROUPS = Recipe(
    name="20newsgroups",
    title="Postings to twenty newsgroups; split by subject of Bao et al.",
    modality="text",
    backbone="bilstm",
    licence="No licence stated; postings are their authors'",
    citation=(
        f"K. Lang. NewsWeeder: learning to filter netnews. ICML 1995. Texts and split: {_signatures.CITATION}"
    ),
    sources=(_signatures.SOURCE,),
    content_hash=None,
    build=build,
)


@hookimpl
def metabench_datasets() -> list[Recipe]:
    """Declare `20newsgroups`."""
    return [NEWSGROUPS]
